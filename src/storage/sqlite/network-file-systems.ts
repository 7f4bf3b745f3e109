/**
 * The numbers by which Linux's `statfs` names file systems whose files are on another machine, or
 * on a disk that several machines share. FUSE is not among them, because local file systems use it
 * as well as sshfs does, under one number.
 */
const NETWORK_FILE_SYSTEMS: Readonly<Record<string, number>> = {
  "9p": 0x01021997,
  ACFS: 0x61636673,
  AFS: 0x5346414f,
  "AFS of the kernel": 0x6b414653,
  BeeGFS: 0x19830326,
  Ceph: 0x00c36400,
  CIFS: 0xff534d42,
  Coda: 0x73757245,
  GFS2: 0x01161970,
  GPFS: 0x47504653,
  Lustre: 0x0bd00bd0,
  NCP: 0x564c,
  NFS: 0x6969,
  OCFS2: 0x7461636f,
  OrangeFS: 0x20030528,
  PanFS: 0xaad7aaea,
  "Parallels' shared folders": 0x7c7c6673,
  SMB: 0x517b,
  SMB2: 0xfe534d42,
  StorNext: 0xbeefdead,
  "VirtualBox's shared folders": 0x786f4256,
  "VMware's shared folders": 0xbacbacbc,
};

/** Whether shared memory and locks, which WAL needs, cannot be trusted there. */
export function isNetworkFileSystem(type: number): boolean {
  // Node gives the number with or without its sign, depending on the machine.
  return Object.values(NETWORK_FILE_SYSTEMS).includes(type >>> 0);
}
