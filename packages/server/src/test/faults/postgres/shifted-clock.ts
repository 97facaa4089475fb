/** For `--import`: a process, with all its threads, whose wall clock is wrong by `SHIFT_CLOCK_MS`. Durations stay right. */
const shiftMs = Number(process.env['SHIFT_CLOCK_MS']);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parameters: unknown[]) {
    // @ts-expect-error: handed on as they are
    super(...(parameters.length === 0 ? [RealDate.now() + shiftMs] : parameters));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
} as DateConstructor;
