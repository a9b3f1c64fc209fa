"""A share: shows a directory at a mount point, read-only, through FUSE, so that it can hang as a network file system does.

    fuseShare.py DIRECTORY MOUNT_POINT

Prints "mounted" when it is there. SIGUSR1: stops itself (as SIGSTOP does) with the next request in hand. Whoever made that request
waits in the kernel where no signal reaches it, SIGKILL neither; SIGCONT answers it. When this process ends, the mount is dead.
Nothing is kept by the kernel, so that each look asks this process. Needs Linux and root, and no library.
"""
import ctypes
import errno
import os
import signal
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = (
    1, 2, 3, 5, 14, 15, 17, 18, 26, 27, 28, 29, 36, 38, 42)
SILENT = (FORGET, INTERRUPT, BATCH_FORGET)
# linux/fuse.h, protocol 7.31
HEADER = struct.Struct('<IIQQIIII')
ATTRIBUTES = struct.Struct('<QQQQQQIIIIIIIIII')
DIRECT_IO = 1
ROOT = 1


class Share:
    def __init__(self, directory):
        self.paths = {ROOT: os.fsencode(directory)}
        self.numbers = {self.paths[ROOT]: ROOT}

    def number_of(self, path):
        if path not in self.numbers:
            self.numbers[path] = len(self.paths) + 1
            self.paths[self.numbers[path]] = path
        return self.numbers[path]

    def attributes(self, path):
        of = os.lstat(path)
        times = [divmod(time, 10 ** 9) for time in (of.st_atime_ns, of.st_mtime_ns, of.st_ctime_ns)]
        return ATTRIBUTES.pack(self.number_of(path), of.st_size, of.st_blocks, *(time[0] for time in times), *(time[1] for time in times),
                               of.st_mode, of.st_nlink, of.st_uid, of.st_gid, 0, 4096, 0)

    def answer(self, operation, node, body):
        path = self.paths.get(node, b'')  # what is asked of the share as a whole names no node
        if operation == INIT:
            return struct.pack('<IIIIHHIIHH7I', 7, 31, 65536, 0, 8, 6, 4096, 1, 0, 0, *[0] * 7)
        if operation == LOOKUP:
            child = os.path.join(path, body[:-1])
            return struct.pack('<QQQQII', self.number_of(child), 0, 0, 0, 0, 0) + self.attributes(child)
        if operation == GETATTR:
            return struct.pack('<QII', 0, 0, 0) + self.attributes(path)
        if operation == READLINK:
            return os.readlink(path)
        if operation in (OPEN, OPENDIR):
            return struct.pack('<QII', 0, DIRECT_IO if operation == OPEN else 0, 0)
        if operation == READ:
            _, offset, size = struct.unpack_from('<QQI', body)
            with open(path, 'rb') as file:
                return os.pread(file.fileno(), size, offset)
        if operation == READDIR:
            _, offset, size = struct.unpack_from('<QQI', body)
            return self.entries(path, offset, size)
        if operation == STATFS:
            of = os.statvfs(path)
            return struct.pack('<QQQQQIII7I', of.f_blocks, of.f_bfree, of.f_bavail, of.f_files, of.f_ffree, of.f_bsize, 255, of.f_frsize, *[0] * 7)
        if operation in (RELEASE, RELEASEDIR, DESTROY):
            return b''
        raise OSError(errno.ENOSYS, 'unknown operation')

    def entries(self, path, offset, size):
        told = b''
        for position, name in enumerate([b'.', b'..'] + sorted(os.listdir(path)), start=1):
            if position <= offset:
                continue
            child = os.path.join(path, name)
            kind = stat.S_IFMT(os.lstat(child).st_mode) >> 12
            entry = struct.pack('<QQII', self.number_of(child), position, len(name), kind) + name
            entry += b'\0' * (-len(entry) % 8)
            if len(told) + len(entry) > size:
                break
            told += entry
        return told


stops_at_next = False


def stop_at_next(*_):
    global stops_at_next
    stops_at_next = True


def main():
    directory, mount_point = sys.argv[1:]
    signal.signal(signal.SIGUSR1, stop_at_next)
    device = os.open('/dev/fuse', os.O_RDWR)
    mount(device, mount_point)
    serve(device, Share(directory))


def mount(device, mount_point):
    libc = ctypes.CDLL(None, use_errno=True)
    read_only_and_plain = 1 | 2 | 4  # MS_RDONLY, MS_NOSUID, MS_NODEV
    options = f'fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions'
    if libc.mount(b'share', os.fsencode(mount_point), b'fuse', ctypes.c_ulong(read_only_and_plain), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f'cannot mount at {mount_point}')


def serve(device, share):
    while True:
        try:
            request = os.read(device, 1 << 20)
        except OSError as error:
            if error.errno == errno.ENODEV:  # unmounted
                return
            if error.errno in (errno.EINTR, errno.ENOENT):
                continue
            raise
        if stops_at_next:
            stop()
        _, operation, unique, node, *_ = HEADER.unpack_from(request)
        if operation in SILENT:
            continue
        try:
            body, code = share.answer(operation, node, request[HEADER.size:]), 0
        except OSError as error:
            body, code = b'', -error.errno
        try:
            os.write(device, struct.pack('<IiQ', 16 + len(body), code, unique) + body)
        except OSError as error:
            if error.errno != errno.ENOENT:  # whoever asked is gone
                raise
        if operation == INIT:
            print('mounted', flush=True)


def stop():
    global stops_at_next
    stops_at_next = False
    os.kill(os.getpid(), signal.SIGSTOP)


main()
