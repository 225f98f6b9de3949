// Package recordings keeps the sound of calls on disk until it is in the
// portal: what was uploaded to us, or fetched from a URL. All processes share
// one directory (PUENTE_RECORDINGS_DIR); the table recordings says what lies in
// it. Files are written under another name, synced and then renamed: a name
// without .part is always a whole file. What is loaded of a file that is fetched
// stays there with a note, so that a restart continues it. The file system must
// know locks (flock), as local disks and NFS 4 do.
package recordings
