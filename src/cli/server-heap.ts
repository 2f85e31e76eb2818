/**
 * What V8 is told of a server's heap, in the order of bin/hearth's first line, which says the same (V8 takes these at its start only). A served call leaves some
 * 20 kB behind. With V8's young generation of 16 MB, what is still under way when it is full counts as old, and the old generation is
 * collected every second, beside the server on its own cores: 15 % fewer calls, and every one of those collections is felt by the callers.
 * Sizes in MB.
 */
export const SERVER_HEAP: readonly string[] = ['--min-semi-space-size=32', '--max-semi-space-size=32', '--initial-old-space-size=256'];
