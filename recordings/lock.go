package recordings

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"syscall"
	"time"
)

// Lock lets one at a time, among all processes, work on something of a portal,
// such as the recording of a call. ok is false while another one does. A
// process that dies loses its locks at once. unlock must be called.
func (d Dir) Lock(portal, name string) (unlock func(), ok bool, err error) {
	root, err := d.open(portal)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	sum := sha256.Sum256([]byte(name)) // names of calls are the contact center's, and no file names
	path := portal + "/" + hex.EncodeToString(sum[:16]) + ".lock" + partial
	file, err := root.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	if ok, err = take(root, path, file); !ok {
		return nil, false, errors.Join(err, file.Close())
	}
	return func() {
		_ = d.Remove(path) // while it is held; what stays is found by Sweep
		_ = file.Close()   // gives the lock free
	}, true, nil
}

// take locks a file, unless another one has it, or had it and removed it after
// it was opened here: then it would lock nobody out.
func take(root *os.Root, path string, file *os.File) (bool, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return false, err
	}
	var locked error
	if err := raw.Control(func(fd uintptr) {
		locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	}); err != nil {
		return false, err
	}
	if errors.Is(locked, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if locked != nil {
		return false, locked
	}
	mine, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := root.Stat(path)
	if err != nil || !os.SameFile(mine, there) {
		return false, gone(err)
	}
	return true, root.Chtimes(path, time.Now(), time.Now()) // Sweep leaves what is in use alone
}
