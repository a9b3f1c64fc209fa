import { crc32, deflateSync } from 'node:zlib';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');

/** A real PNG of `width` × `height` pixels whose colours come from `noise`, repeated as needed. */
export function picture(noise: Uint8Array, { width, height }: { width: number; height: number }): Buffer {
  const rowBytes = 1 + width * 3;
  const pixels = Buffer.alloc(rowBytes * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width * 3; column += 1) {
      pixels[row * rowBytes + 1 + column] = noise[(row * width * 3 + column) % noise.length] ?? 0;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(pixels, { level: 0 })), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), framed.length - 4);
  return framed;
}

/** A BIF file (the preview thumbnails Plex keeps as `index-sd.bif`) of `images`, one every `intervalMs`. */
export function previewIndex(images: readonly Uint8Array[], intervalMs: number): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x89, 0x42, 0x49, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
  header.writeUInt32LE(images.length, 12);
  header.writeUInt32LE(intervalMs, 16);
  const table = Buffer.alloc((images.length + 1) * 8);
  let offset = header.length + table.length;
  for (const [index, image] of images.entries()) {
    table.writeUInt32LE(index, index * 8);
    table.writeUInt32LE(offset, index * 8 + 4);
    offset += image.length;
  }
  table.writeUInt32LE(0xffff_ffff, images.length * 8);
  table.writeUInt32LE(offset, images.length * 8 + 4);
  return Buffer.concat([header, table, ...images]);
}
