import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key, its certificate, and what tells the key from every other. */
export interface SelfSignedCertificate {
  /** PEM; nowhere but in memory. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of the public key, in base64: what curl calls "sha256//". */
  readonly pin: string;
}

const dayMs = 24 * 60 * 60_000;
const validDays = 30;

/** A fresh key with a certificate that it signed itself: TLS wants one, and whoever connects goes by the pin alone. */
export function selfSignedCertificate(): SelfSignedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicBytes = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(tagged(0x31, sequence(objectIdentifier.commonName, tagged(0x0c, Buffer.from('plexlift')))));
  const algorithm = sequence(objectIdentifier.ecdsaWithSha256);
  const validity = sequence(utcTime(Date.now() - dayMs), utcTime(Date.now() + validDays * dayMs));
  // RFC 5280, section 4.1, in its first version, which has no extensions.
  const content = sequence(serialNumber(), algorithm, name, validity, name, publicBytes);
  const signature = tagged(0x03, Buffer.concat([Buffer.of(0), sign('sha256', content, privateKey)]));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem(sequence(content, algorithm, signature)),
    pin: createHash('sha256').update(publicBytes).digest('base64'),
  };
}

const objectIdentifier = {
  /** 2.5.4.3 */
  commonName: Buffer.from('0603550403', 'hex'),
  /** 1.2.840.10045.4.3.2 */
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
} as const;

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** One value in DER: what it is, how long it is, what it holds. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts);
}

function serialNumber(): Buffer {
  // Positive, and never with a leading byte of zero.
  return tagged(0x02, Buffer.of(0x40), randomBytes(15));
}

function utcTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}
