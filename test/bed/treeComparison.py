"""Compares two directory trees of this computer, entry by entry; shares no code with what it judges.

Standard input: one JSON object, see treeComparison.ts. Standard output: one JSON object.
Walks by directory file descriptors, so that a path may be longer than what one system call takes; names are bytes.
"""
import hashlib
import json
import os
import resource
import stat
import sys

KINDS = {
    stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'link', stat.S_IFSOCK: 'socket',
    stat.S_IFIFO: 'pipe', stat.S_IFBLK: 'block device', stat.S_IFCHR: 'character device',
}
# What a copy is not expected to carry.
UNSENDABLE = {'socket', 'pipe', 'block device', 'character device'}
DIFFERENCES_KEPT = 200


def readable(raw):
    """A name for people: quoted, control characters and what is no UTF-8 as \\xNN."""
    text = raw.replace(b'\\', b'\\\\').replace(b'"', b'\\"').decode('utf-8', 'backslashreplace')
    return '"' + ''.join(c if c.isprintable() else ''.join('\\x%02x' % b for b in c.encode('utf-8')) for c in text) + '"'


def kind_of(info):
    return KINDS.get(stat.S_IFMT(info.st_mode), 'thing of no known kind')


def seconds(info):
    # Down to the second, also before 1970.
    return info.st_mtime_ns // 1_000_000_000


class Comparison:
    def __init__(self, order):
        self.uid, self.gid = order['owner']['uid'], order['owner']['gid']
        self.leave, self.dereferenced, self.times_not_compared = (
            {os.fsencode(path) for path in order[which]} for which in ('leave', 'dereferenced', 'timesNotCompared'))
        self.entries = self.files = self.bytes = self.count = 0
        self.first = []

    def differ(self, path, what):
        self.count += 1
        if len(self.first) < DIFFERENCES_KEPT:
            self.first.append('%s: %s' % (readable(path), what))

    def count_expected(self, info):
        self.entries += 1
        if stat.S_ISREG(info.st_mode):
            self.files += 1
            self.bytes += info.st_size

    def compare(self, path, name, expected, actual):
        """One name of two directories, given as descriptors. Returns the directories to go down into, or None; None stands for a side that has nothing."""
        here = look(name, expected, follow=path in self.dereferenced)
        there = look(name, actual, follow=False)
        if here is not None and kind_of(here) in UNSENDABLE:
            if there is not None:
                self.differ(path, 'is a %s, which should not arrive, and a %s is there' % (kind_of(here), kind_of(there)))
            here = None
            if there is None or not stat.S_ISDIR(there.st_mode):
                return None
        elif here is None and there is not None:
            self.differ(path, 'is a %s that nobody expected' % kind_of(there))
        if here is not None:
            self.count_expected(here)
            if there is None:
                self.differ(path, 'is missing, expected is a %s' % kind_of(here))
            elif kind_of(here) != kind_of(there):
                self.differ(path, 'is a %s, expected is a %s' % (kind_of(there), kind_of(here)))
            else:
                self.compare_alike(path, name, (expected, here), (actual, there))
        below = [
            opened(name, directory, follow=follow) if info is not None and stat.S_ISDIR(info.st_mode) else None
            for directory, info, follow in ((expected, here, path in self.dereferenced), (actual, there, False))]
        return below if any(descriptor is not None for descriptor in below) else None

    def compare_alike(self, path, name, expected, actual):
        (expected, here), (actual, there) = expected, actual
        kind = kind_of(here)
        if (there.st_uid, there.st_gid) != (self.uid, self.gid):
            self.differ(path, 'belongs to %d:%d, expected is %d:%d' % (there.st_uid, there.st_gid, self.uid, self.gid))
        if kind != 'link' and stat.S_IMODE(here.st_mode) != stat.S_IMODE(there.st_mode):
            self.differ(path, 'has mode %04o, expected is %04o' % (stat.S_IMODE(there.st_mode), stat.S_IMODE(here.st_mode)))
        if seconds(here) != seconds(there) and path not in self.times_not_compared:
            self.differ(path, 'has time %d, expected is %d' % (seconds(there), seconds(here)))
        if kind == 'link':
            leads, should = os.readlink(name, dir_fd=actual), os.readlink(name, dir_fd=expected)
            if leads != should:
                self.differ(path, 'leads to %s, expected is %s' % (readable(leads), readable(should)))
        if kind != 'file':
            return
        if here.st_size != there.st_size:
            self.differ(path, 'has %d bytes, expected are %d' % (there.st_size, here.st_size))
        elif digest(name, expected, here) != digest(name, actual, there):
            self.differ(path, 'has other content')

    def run(self, expected, actual):
        roots = [os.open(root, os.O_RDONLY | os.O_DIRECTORY) for root in (expected, actual)]
        owner = os.fstat(roots[1])
        if (owner.st_uid, owner.st_gid) != (self.uid, self.gid):
            self.differ(b'.', 'belongs to %d:%d, expected is %d:%d' % (owner.st_uid, owner.st_gid, self.uid, self.gid))
        # Only the names of one chain of directories are held. Not by recursion: a tree may be deeper than that goes.
        stack = [(b'', roots, iter(names_in(roots)))]
        while stack:
            prefix, directories, names = stack[-1]
            name = next(names, None)
            if name is None:
                for descriptor in directories:
                    if descriptor is not None:
                        os.close(descriptor)
                stack.pop()
                continue
            path = prefix + name
            if path in self.leave:
                continue
            below = self.compare(path, name, *directories)
            if below is not None:
                stack.append((path + b'/', below, iter(names_in(below))))


def look(name, directory, follow):
    if directory is None:
        return None
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=follow)
    except FileNotFoundError:
        return None


def opened(name, directory, follow):
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | (0 if follow else os.O_NOFOLLOW), dir_fd=directory)


def names_in(directories):
    return sorted({os.fsencode(name) for directory in directories if directory is not None for name in os.listdir(directory)})


def digest(name, directory, info):
    whole = hashlib.sha256()
    read = 0
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), 'rb', buffering=0) as file:
        while chunk := file.read(1 << 20):
            whole.update(chunk)
            read += len(chunk)
    if read != info.st_size:
        raise RuntimeError('%s gave %d bytes instead of %d: the trees may not change while they are compared' % (readable(name), read, info.st_size))
    return whole.digest()


def main():
    # Two descriptors for each level of a deep tree.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    order = json.load(sys.stdin.buffer)
    comparison = Comparison(order)
    comparison.run(os.fsencode(order['expected']), os.fsencode(order['actual']))
    json.dump({
        'entries': comparison.entries, 'files': comparison.files, 'bytes': comparison.bytes,
        'differences': comparison.first, 'differenceCount': comparison.count,
    }, sys.stdout)


main()
