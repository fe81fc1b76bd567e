/** What the broker counts, as GET /monitor_current and GET /monitor have it. Bytes and milliseconds are named so. */

interface Gauges {
  /** Milliseconds since 1970. */
  readonly time_stamp: number;
  /** How long the time is that it is of. */
  readonly seconds: number;
  readonly live_connections: number;
  readonly disconnected_durable_sessions: number;
  readonly subscriptions: number;
  readonly topics: number;
  readonly retained_msg_count: number;
  readonly queued_messages: number;
  readonly unsynced_bytes: number;
  readonly storage_bytes: number;
  readonly fsync_p99_ms: number;
  readonly fsync_max_ms: number;
  /** Records an fsync, on average. */
  readonly fsync_group: number;
  readonly event_loop_lag_p99_ms: number;
  readonly event_loop_lag_max_ms: number;
  readonly cpu_percent: number;
  readonly resident_bytes: number;
}

/** Now, with what is counted as rates. */
export interface Current extends Gauges {
  readonly received_msg_rate: number;
  readonly sent_msg_rate: number;
  readonly dropped_msg_rate: number;
  readonly received_bytes_rate: number;
  readonly sent_bytes_rate: number;
  readonly received_qos1_rate: number;
  readonly received_qos2_rate: number;
  readonly acknowledged_rate: number;
  readonly synced_records_rate: number;
  readonly dropped_rate_by_reason: Readonly<Record<string, number>>;
}

/** Of some seconds, with what was counted in them. */
export interface Sample extends Gauges {
  readonly received: number;
  readonly sent: number;
  readonly received_qos1: number;
  readonly received_qos2: number;
  readonly acknowledged: number;
  /** Records that were written. */
  readonly persisted: number;
  readonly synced_records: number;
  readonly dropped_by_reason: Readonly<Record<string, number>>;
}

export interface Alarm {
  readonly name: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
  readonly activate_at: string;
}
