import { catalog, isBuiltInType, nearestNames } from '@broxi/events';
import { InvalidSettingError } from '../errors.ts';

/** The types that producers may send and that come with a sample. */
export function sampleNames(): string[] {
  return Object.keys(catalog).filter(isBuiltInType);
}

/** The sample of a built-in type, as JSON. @throws InvalidSettingError for a type that has none */
export function sampleData(type: string): string {
  if (isBuiltInType(type)) return JSON.stringify(catalog[type].sample);
  const near = nearestNames(type, sampleNames());
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`broxi-webhooks send --help` lists the samples.';
  throw new InvalidSettingError(
    `There is no sample for ${JSON.stringify(type)}: give its data with --file, or ${hint}`,
  );
}
