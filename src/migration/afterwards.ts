/** What only a person can do, outside plexlift. Said at the stop question, at the end of a run, and in the report. */
export const afterwards: readonly string[] = [
  'Do not sign out of the old server, and do not remove it in your Plex account: its identity is what is being moved, and signing out throws it away. The two are one server to Plex, so only one of them may run.',
  'Outside plexlift, for you: point DNS names, port forwarding and reverse proxies at the new address; look at "custom server access URLs" and "LAN networks" in the server\'s settings; install again what third-party agents and plug-ins need beside their files.',
  'Watchlists live in the Plex accounts, not in the server, and need no move.',
];
