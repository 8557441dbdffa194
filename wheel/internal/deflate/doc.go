// Package deflate compresses byte slices in the DEFLATE format (RFC 1951), for
// members of wheels. It exists because shared libraries are what wheels are
// made of: the Go encoders at hand look for matches of four bytes or more and
// cut blocks by count, which leaves machine code 2 to 4 % larger than zlib
// leaves it, at every level. This one also takes matches of three bytes, and
// cuts blocks where the statistics change.
//
// It works on a whole slice at a time, up to some MiB, and needs no stream
// state: start with [New], then [Encoder.Append] for each slice. The output
// depends on nothing but level, dictionary, input and the version of this
// package.
//
// The decoder inflates shared libraries twice as fast as the Go decoders at hand:
// bits come from the stream eight bytes at a time, and matches are copied sixteen
// bytes at a time. It refuses what those refuse: codes that are not complete,
// matches that reach too far back, lengths that contradict each other, streams
// that are cut. [Decoder] is for streams in memory, [Reader] for any other, in
// bounded memory.
package deflate
