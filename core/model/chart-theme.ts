export const CHART_THEMES = ['dark', 'light'] as const;

export type ChartTheme = (typeof CHART_THEMES)[number];
