// Imported when the first prompt is shown. Naming these keeps the rest of the package out of the bundle, for example
// its editor prompt with its character sets.
export { confirm, input, search, select } from '@inquirer/prompts'
