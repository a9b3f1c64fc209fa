/** A way to a Plex server's HTTP API from this machine, e.g. through a forwarded port. */
export interface ServerConnection {
  /** E.g. `http://127.0.0.1:40123`. */
  readonly baseUrl: string;
  close(): Promise<void>;
}
