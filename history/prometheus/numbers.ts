// Numbers as Go prints them, and so Prometheus.

/** The shortest text that reads back as the same number. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  // Both write exponents below 1e-6 and from 1e21 on; Go's have two digits.
  return text.includes('e') ? text.replace(/e([+-])(\d)$/, 'e$10$2') : text;
}
