/** Something that stops the benchmark and that the person who runs it can act on. `message` says what, and what would be accepted. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
