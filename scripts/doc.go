// Package scripts has no code: it holds the tests of the scripts beside it that
// users run.
package scripts
