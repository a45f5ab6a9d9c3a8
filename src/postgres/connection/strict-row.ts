/**
 * A row that throws a TypeError if code reads a column that the server did not send. Otherwise the missing value would
 * be noticed only later, and look like a bug in dsctl.
 */
export function strictRow<Row extends object>(row: Row): Row {
  return new Proxy(row, {
    get(columns, name) {
      if (typeof name === 'string' && !OPTIONAL.includes(name) && !Object.hasOwn(columns, name)) {
        throw new TypeError('The server sent a row without a column that the statement selects.')
      }
      return Reflect.get(columns, name)
    },
  })
}

/** Properties that `await` and JSON.stringify read from any object. */
const OPTIONAL = ['then', 'toJSON']
