/** What answers where while two servers have one identity, why that is dangerous, and which command ends it. */
export function twoServers({ source, target, identity }: { readonly source: string; readonly target: string; readonly identity: string | null }): { readonly detail: string; readonly remedy: string } {
  return {
    detail: `two servers with one identity are running: ${source} and ${target} both answer as ${identity ?? 'the same server'}`,
    remedy: `Plex takes them for one server: clients are sent to either, and what is watched on one is unknown to the other and lost in the end. End it now: "plexlift migrate" stops ${source} again and keeps the new server; "plexlift rollback" withdraws the new one and keeps ${source}, as long as "plexlift finish" was not run`,
  };
}
