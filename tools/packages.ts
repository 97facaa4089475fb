/** The packages that are published, in the order in which they depend on each other. */
export const PUBLIC_PACKAGES = ['events', 'receiver', 'server'] as const;
