/** Decodes UTF-8 text, or returns a problem such as `is not UTF-8 text`. Removes a byte-order mark. */
export function decodeText(bytes: Buffer): { readonly text: string } | { readonly problem: string } {
  if (isUtf16(bytes)) return { problem: UTF16_PROBLEM }
  try {
    // Without `ignoreBOM`, the decoder removes a byte-order mark.
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { problem: 'is not UTF-8 text' }
  }
}

/** Whether bytes begin like UTF-16 or UTF-32 text: with a byte-order mark, or with a letter and a NUL. */
export function isUtf16(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 2)
  return start === '\xff\xfe' || start === '\xfe\xff' || /^(?:\0[\t-~]|[\t-~]\0)$/.test(start)
}

export const UTF16_PROBLEM = 'is UTF-16 text: convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8'

/** Removes the byte-order mark from a string. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}
