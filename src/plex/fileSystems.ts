/** File systems, as the kernel names them, whose files lie on another machine. SQLite's locks cannot be relied on there, and databases are damaged. */
const networkFileSystems = /^(?:nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|glusterfs|lustre|fuse\.(?:sshfs|glusterfs|ceph|ceph-fuse|juicefs|rclone|s3fs|seaweedfs|smbnetfs))$/i;

/** True for a file system on which no database may lie. */
export function isNetworkFileSystem(type: string): boolean {
  return networkFileSystems.test(type);
}
