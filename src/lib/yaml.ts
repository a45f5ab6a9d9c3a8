// Imported by its own name when it is needed: of a CommonJS package that is imported so, the bundler loses the names.
export { Document, isSeq, parseAllDocuments, visit } from 'yaml'
