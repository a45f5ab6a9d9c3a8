// Imported lazily in place of the package itself: yaml is CommonJS, and the bundler would drop its named exports.
export { Document, isScalar, isSeq, type Pair, parseAllDocuments, type Scalar, visit } from 'yaml'
