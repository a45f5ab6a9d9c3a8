// The first packets of a MySQL server. Source: MySQL documentation, "Protocol::HandshakeV10".

export function mysqlPacket(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head.writeUInt8(sequence, 3)
  return Buffer.concat([head, body])
}

export function mysqlGreeting({ tls }: { tls: boolean }): Buffer {
  const capabilities = [0xff, tls ? 0xff : 0xf7, 0x21, 2, 0, 0xff, 0x81, 21, ...Array(10).fill(0)]
  const salt = ['a'.repeat(8), 'b'.repeat(12)]
  const parts = [
    ...['\n8.0.36\0', '\x01\0\0\0', salt[0], '\0', String.fromCharCode(...capabilities), salt[1], '\0'],
    'mysql_native_password\0',
  ]
  return mysqlPacket(0, Buffer.from(parts.join(''), 'latin1'))
}
