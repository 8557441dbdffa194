// Package hostiletest makes wheels that are small to upload and dear to look at:
// each shape grows with a number, so that a test can measure what a command spends
// on it at several sizes. Start with [Shapes].
package hostiletest
