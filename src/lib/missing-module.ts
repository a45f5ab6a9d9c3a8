/** Whether an import failed because the file is not there: someone has upgraded or removed the program. */
export function isMissingModule(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown }
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
