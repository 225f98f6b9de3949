package settings

import "puente/internal/strictdoc"

// Problem is one thing that is wrong with settings. Field is the JSON path of
// the value (crm.channels[1].pipeline), "" for the document as a whole.
type Problem = strictdoc.Problem

// Problems is a list of problems that can be returned as an error.
type Problems = strictdoc.Problems

// check collects problems while a document is walked.
type check struct{ strictdoc.Check }
