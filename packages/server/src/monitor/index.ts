export type { Alarm } from './alarms/alarm-book.ts';
export { DIMENSIONS, MEASURES } from './analytics/minute.ts';
export type { AnalyticsItem, AnalyticsQuestion, AnalyticsReport } from './analytics/report.ts';
export {
  COUNTED_FIELDS,
  kindOf,
  MONITOR_FIELDS,
  type MonitorField,
  type MonitorValues,
} from './fields.ts';
export type { MonitoredBroker } from './host.ts';
export {
  type BrokerMonitor,
  Monitor,
  type MonitorSample,
  SAMPLE_SECONDS,
  type SlowSubscription,
  type Watermarks,
} from './monitor.ts';
export { MachineWindow, NO_PROCESS } from './process-window.ts';
