export const NOTIFY_REASONS = [
  'first',
  'new-alerts',
  'some-resolved',
  'all-resolved',
  'fired-and-resolved',
  'repeat',
  'fallback',
  'silence-ended',
] as const;

export type NotifyReason = (typeof NOTIFY_REASONS)[number];
