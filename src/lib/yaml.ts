// Imported lazily in place of the package itself: yaml is CommonJS, and the bundler would drop its named exports.
export { Document, isSeq, parseAllDocuments, visit } from 'yaml'
