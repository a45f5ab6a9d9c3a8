/** Decodes UTF-8 text, or says why it cannot: `is not UTF-8 text`. A byte-order mark is not part of the text. */
export function decodeText(bytes: Buffer): { readonly text: string } | { readonly problem: string } {
  if (isUtf16(bytes)) return { problem: UTF16_PROBLEM }
  try {
    // Without `ignoreBOM`, the decoder removes a byte-order mark.
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { problem: 'is not UTF-8 text' }
  }
}

/** Whether bytes begin as UTF-16 or UTF-32 does: with its byte-order mark, or with a letter and a NUL. */
export function isUtf16(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 2)
  return start === '\xff\xfe' || start === '\xfe\xff' || /^(?:\0[\t-~]|[\t-~]\0)$/.test(start)
}

export const UTF16_PROBLEM = 'is UTF-16 text: convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8'

/** A text without its byte-order mark. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}
