"""Makes every kind of entry that is hard to carry below a data directory; see hardEntries.ts for the order it takes and the facts it prints.

By descriptors of directories, since some paths are longer than what one system call takes; names are bytes.
"""
import json
import os
import stat
import sys

HARD = b'Metadata/Hard entries'
SECOND = 1_000_000_000
AGO = 1_400_000_000 * SECOND


class Tree:
    """A directory, and what was made in it with mode and time, to be set when all is there."""

    def __init__(self, root, owner):
        self.root, self.owner, self.made, self.count = root, owner, {}, 0

    def parent(self, path):
        directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        for part in path.split(b'/')[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        return directory, path.rsplit(b'/', 1)[-1]

    def make(self, path, create, mode=None, time=None):
        if b'/' in path:
            self.directories(path.rsplit(b'/', 1)[0])
        directory, name = self.parent(path)
        create(name, directory)
        os.close(directory)
        self.count += 1
        self.made[path] = (mode, AGO + self.count * 86_400 * SECOND + 500_000_000 if time is None else time)

    def directories(self, path):
        """Directories that were there before keep their mode, and get their time back when all is made."""
        if path in self.made:
            return
        if b'/' in path:
            self.directories(path.rsplit(b'/', 1)[0])
        directory, name = self.parent(path)
        try:
            info = os.stat(name, dir_fd=directory, follow_symlinks=False)
            self.made[path] = (None, info.st_mtime_ns)
        except FileNotFoundError:
            self.make(path, lambda name, directory: os.mkdir(name, 0o755, dir_fd=directory))
        os.close(directory)

    def directory(self, path, mode=0o755, time=None):
        self.make(path, lambda name, directory: os.mkdir(name, 0o700, dir_fd=directory), mode, time)

    def file(self, path, content=b'content', mode=0o644, time=None, size=None):
        def create(name, directory):
            with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory), 'wb') as file:
                if size is not None:
                    # A hole up to the last bytes.
                    file.truncate(size)
                    file.seek(size - len(content))
                file.write(content)
        self.make(path, create, mode, time)

    def link(self, path, target, time=None):
        self.make(path, lambda name, directory: os.symlink(target, name, dir_fd=directory), None, time)

    def hard_link(self, path, other):
        # Relative to the root, so that both names may be anywhere below it.
        def create(name, directory):
            there, known = self.parent(other)
            os.link(known, name, src_dir_fd=there, dst_dir_fd=directory)
            os.close(there)
        self.make(path, create, *self.made[other])

    def node(self, path, kind, device=0):
        self.make(path, lambda name, directory: os.mknod(name, kind | 0o640, device, dir_fd=directory))

    def finish(self):
        """What was made last comes first, so that a directory comes after everything in it."""
        for path, (mode, time) in reversed(self.made.items()):
            directory, name = self.parent(path)
            if self.owner is not None:
                os.chown(name, *self.owner, dir_fd=directory, follow_symlinks=False)
            if mode is not None:
                os.chmod(name, mode, dir_fd=directory)
            os.utime(name, ns=(AGO, time), dir_fd=directory, follow_symlinks=False)
            os.close(directory)


NAMES = [
    b'-', b'--', b'-leading dash', b'--checkpoint-action=exec=false', b'--directory=..', b'@list', b'new\nline', b'\n', b'a\n..\nb', b'a\n.',
    b'.\n', b'...', b'..a', b'a..', b'.hidden', b'trailing dot.', b' ', b' leading space', b'trailing space ', b'tab\tand bell\a', b'back\\slash',
    b'literal back\\nslash', b'ends in a backslash\\', b'\\', b'\\056', b'"double"', b"'single'", b'`false`', b'$(false)', b'$HOME', b'~', b'%s%n', b'*', b'?', b'[a-z]',
    b'{a,b}', b'!', b'#', b';', b'&', b'|', b'a: file changed as we read it', b'no utf-8 \xff\xfe', b'\xc3', b'\x01\x7f\x80', 'ä ö 漢 🎬'.encode(),
    'a\u0308 decomposed'.encode(), 'line\u2028separator'.encode(), b'UPPER', b'upper', b'a=b', b'a,b', b'././@LongLink'.replace(b'/', b'_'),
    b'n' * 99, b'n' * 100, b'n' * 101, b'n' * 255, '漢'.encode() * 85, b'\xff' * 255,
]

# To the second, at the limits of what tar, 32-bit times and ext4 hold; with and without a fraction.
TIMES = [
    -(1 << 31), -(1 << 31) + 1, -2, -1, 0, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 33) - 1, 1 << 33, (1 << 33) + 1, 15_032_385_535,
]


def make_hard_entries(order):
    is_root = os.getuid() == 0
    owner = None if order['owner'] is None else (order['owner']['uid'], order['owner']['gid'])
    tree = Tree(os.fsencode(order['directory']), owner)
    facts = {'unsendable': [], 'leaving': []}

    def unsendable(path, kind, device=0):
        tree.node(path, kind, device)
        facts['unsendable'].append(os.fsdecode(path))

    for number, name in enumerate(NAMES):
        tree.file(HARD + b'/names/' + name, b'named %d' % number)
        tree.file(HARD + b'/directories/' + name + b'/' + name, b'below %d' % number)
        tree.directory(HARD + b'/empty directories/' + name)
        tree.link(HARD + b'/links/' + name, b'../names/' + name)
        tree.link(HARD + b'/links elsewhere/' + name, name + b' is not there')

    modes = [0o400, 0o444, 0o600, 0o640, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o6711, 0o7777] + ([0o000, 0o001, 0o222] if is_root else [])
    for mode in modes:
        tree.file(HARD + b'/modes/file %04o' % mode, b'%o' % mode, mode)
    # Nobody but root can write into, or read, the others.
    for mode in [0o700, 0o755, 0o777, 0o1777, 0o2775, 0o3770] + ([0o000, 0o111, 0o333, 0o444, 0o500, 0o555, 0o7777] if is_root else []):
        tree.directory(HARD + b'/modes/directory %04o' % mode, mode)
        tree.file(HARD + b'/modes/directory %04o/file' % mode)
        tree.directory(HARD + b'/modes/directory %04o/directory' % mode)

    for second in TIMES:
        for fraction in (0, 1, 500_000_000, 999_999_999) if -(1 << 31) < second < 15_032_385_535 else (0,):
            time = second * SECOND + fraction
            name = b'%d.%09d' % (second, fraction)
            tree.file(HARD + b'/times/file ' + name, name, time=time)
            tree.directory(HARD + b'/times/directory ' + name, time=time)
            tree.link(HARD + b'/times/link ' + name, b'file ' + name, time=time)

    # In order of the path, so in segments, the names of one file are far apart.
    tree.file(b'Media/localhost/hard link', b'one file, many names' * 1000)
    for name in (HARD + b'/hard links/one', HARD + b'/hard links/another', b'zzz hard link'):
        tree.hard_link(name, b'Media/localhost/hard link')

    tree.file(HARD + b'/sizes/empty', b'')
    for size in (1, 511, 512, 513, 10_239, 10_240, 10_241):
        tree.file(HARD + b'/sizes/%d' % size, bytes((size + at) % 251 for at in range(size)))
    tree.file(HARD + b'/sparse/hole at its beginning', b'the end', size=3_000_000)
    tree.file(HARD + b'/sparse/nothing but a hole', b'', size=5_000_000)

    tree.link(HARD + b'/leads/relative', b'../sizes/512')
    tree.link(HARD + b'/leads/to a directory', b'../names')
    tree.link(HARD + b'/leads/to its own directory', b'.')
    tree.link(HARD + b'/leads/to itself', b'to itself')
    tree.link(HARD + b'/leads/nowhere', b'../no such thing')
    tree.link(HARD + b'/leads/odd\n\xff', b'odd \n\xfe\\ target')
    tree.link(HARD + b'/leads/far', b'/'.join([b't' * 255] * 15))
    for name, target in (
        (b'absolute to a file', b'/etc/hostname'), (b'absolute to nowhere', b'/no/such/thing'),
        (b'absolute to the root', b'/'), (b'up and out to nowhere', b'../../../../no such thing'),
        # Outside, but it holds the data directory.
        (b'up and around', b'../../../..'),
    ):
        tree.link(HARD + b'/leads/' + name, target)
        facts['leaving'].append(os.fsdecode(HARD + b'/leads/' + name))

    deep = HARD
    while len(deep) + 256 < 3_990:
        deep += b'/' + b'd' * 255
    tree.directory(deep)
    tree.file(deep + b'/' + b'f' * (4_000 - len(deep) - 1), b'deep')
    tree.link(deep + b'/' + b'l' * (4_000 - len(deep) - 1), b'f' * (4_000 - len(deep) - 1))
    tree.file(HARD + b'/levels' + b'/d' * 200 + b'/file', b'at the two hundredth level')

    unsendable(HARD + b'/no files/socket', stat.S_IFSOCK)
    unsendable(HARD + b'/no files/pipe', stat.S_IFIFO)
    if is_root:
        unsendable(HARD + b'/no files/null', stat.S_IFCHR, os.makedev(1, 3))
        unsendable(HARD + b'/no files/disk', stat.S_IFBLK, os.makedev(7, 0))

    # The same names as what is left behind at the top, but of somebody else.
    for name in (b'Logs/kept', b'Codecs/kept', b'plexmediaserver.pid'):
        tree.file(HARD + b'/of another/' + name)

    outside = Tree(os.fsencode(order['outside']), owner)
    for moved in (b'artwork', b'deeper', b'absolute', b'another'):
        outside.directory(moved, 0o2750, time=-1_500_000_000)
        outside.file(moved + b'/file\n\xff', moved, 0o604)
        outside.file(moved + b'/below/file', moved)
        outside.link(moved + b'/below/link', b'../below')
        outside.directory(moved + b'/empty', 0o711)
    # Met while the first is followed. As text it would stay inside.
    outside.link(b'artwork/deeper', b'../deeper')
    tree.link(b'Metadata/Moved away', os.path.relpath(outside.root + b'/artwork', tree.root + b'/Metadata'))
    out = HARD + b'/leads/' + 'out\n"ü\\ '.encode()
    tree.link(out, os.path.relpath(outside.root + b'/another/below', tree.root + b'/' + HARD + b'/leads'))
    tree.link(HARD + b'/leads/by way of another', b'../../Moved away/below')
    facts['followed'] = ['Metadata/Moved away', 'Metadata/Moved away/deeper', os.fsdecode(out)]
    tree.link(b'Moved by its absolute name', os.fsencode(order['outsideThere']) + b'/absolute')
    facts['followedAbsolute'] = 'Moved by its absolute name'

    outside.finish()
    tree.finish()
    return facts


json.dump(make_hard_entries(json.load(sys.stdin.buffer)), sys.stdout)
