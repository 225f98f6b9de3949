// Package bench measures what every webhook and every closed dialog costs: the
// parsing of events, the reading of phones, the loading of a transcript. It
// holds benchmarks only; `make bench` runs them, and README.md beside this
// file says how to read them.
package bench
