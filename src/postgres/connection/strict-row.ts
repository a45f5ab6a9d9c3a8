/**
 * A row that throws a TypeError when a column is read that the server did not send. Otherwise the missing value is
 * noticed only later, and looks like a bug of dsctl.
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

/** Read by the language from any object: by `await` and by JSON.stringify. */
const OPTIONAL = ['then', 'toJSON']
