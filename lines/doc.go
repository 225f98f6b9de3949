// Package lines lets people work with the open lines of a portal: change
// settings and put them in force, tell who is on duty, act on sessions, look at
// hours and statistics. The API and the command line use it.
//
// It decides nothing about chats. What has to be decided is told to the desk,
// the workflow LineQueue of the portal, and what happened is read from the store.
package lines
