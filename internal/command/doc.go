// Package command holds what wheelmend's own commands and the drop-in personalities of
// internal/dropin share: the values of flags and the options that they make, the advice
// that a failed repair gives in the words of flags, and the merge of two wheels. Which
// flags a command has, and how its help words them, is up to its command line.
package command
