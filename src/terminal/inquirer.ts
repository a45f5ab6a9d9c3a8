// Imported only when a prompt is shown. Naming the five keeps the rest of the package (an editor and its character
// sets, for instance) out of the bundle.
export { confirm, input, password, search, select } from '@inquirer/prompts'
