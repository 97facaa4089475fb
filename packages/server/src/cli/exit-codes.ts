/** It did not work: the server could not start or stop in time, or refused what was sent. */
export const EXIT_FAILURE = 1;

/** It was called in a wrong way: a flag, a setting or an argument is not acceptable. Nothing was started or sent. */
export const EXIT_USAGE = 2;
