// Package console is what every command of the program says and ends with: results on
// stdout and messages on stderr, of which no text from a wheel acts upon a terminal, the
// exit codes, and the errors that tell a wrong call from a failure. It knows no command.
// Start with [New].
package console
