/**
 * An option that can never work: a mistake in the calling program or its configuration, not in the request at hand.
 * `option` names it (`secrets[1]`, `headerPrefix`); the message says what would be accepted and never holds a secret.
 */
export class InvalidOptionError extends TypeError {
  override readonly name = 'InvalidOptionError';
  readonly code = 'invalid_option';
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`${option}: ${problem}`);
    this.option = option;
  }
}
