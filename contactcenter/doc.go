// Package contactcenter holds the rules of the contact center: what its sixteen
// methods take and answer, which of them a request needs, which of several CRM
// entities is the client, and what an update may change.
//
// The package is pure: no I/O, no clock. Inputs hold personal data; they stay in
// the database (table submissions) and never go into Temporal histories.
package contactcenter
