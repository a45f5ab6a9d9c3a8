import { isMask } from '../domain/secret.ts'
import { MAX_TEXT } from './limits.ts'
import { isSecretSource } from './secret-source.ts'

// Recognizes texts that were entered in place of a secret. Each rule checks the form of the whole text, so that it does
// not reject a password that only contains such characters.

/**
 * The problem with a text that is not a secret but a mask, a source or an unfilled placeholder. Otherwise undefined.
 */
export function placeholderProblem(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_TEXT) return undefined
  if (isMask(trimmed)) return 'is a mask: enter the secret itself'
  if (isForeignMask(trimmed)) return `is a mask: enter the secret itself${OR_ALLOW}`
  if (/^env:|^vault:/.test(trimmed) && isSecretSource(trimmed)) {
    return `is a source, not a secret: write {"from": "…"} to read the secret from it${OR_ALLOW}`
  }
  if (PLACEHOLDERS.some(form => form.test(trimmed))) {
    return `is an unfilled placeholder: enter the secret itself${OR_ALLOW}`
  }
  return undefined
}

const OR_ALLOW = ', or pass --allow-placeholder to store it as it is'

const MASK_CHARACTERS = '*xX#•●○◦∙·⁎∗＊█▇■▪_.?~-'
const SAME_CHARACTER = new RegExp(`^([${MASK_CHARACTERS}])\\1{2,255}$`, 'u')
/** A secret with only its start or its end shown, as in the output of `aws configure list`. */
const PARTLY_SHOWN = /^[\w-]{0,8}[*•●]{4,}[\w-]{0,8}$/u

/** Whether a text is a mask that another program printed: one repeated character, or a word such as `<hidden>`. */
function isForeignMask(text: string): boolean {
  if (SAME_CHARACTER.test(text)) return true
  if (PARTLY_SHOWN.test(text) && (text.match(/[*•●]/gu) ?? []).length * 2 >= text.length) return true
  const inside = text.replace(/^[\s"'([{<*#%_-]+|[\s"')\]}>*#%_-]+$/g, '')
  const words = inside.replace(/[.!]+$/, '').replace(/[\s_-]+/g, ' ')
  if (/^(?:redacted|masked|sensitive value|value hidden|secret hidden)$/i.test(words)) return true
  return inside !== text && MASK_WORDS.test(words)
}

/**
 * Words that GitLab, Terraform, Sentry, Pulumi, 1Password and others print in brackets or asterisks instead of a secret.
 */
const MASK_WORDS = new RegExp(
  `^(?:(?:value|secret|password|token|data|credentials?) )?(?:is )?(?:${[
    ...['redacted', 'masked', 'hidden', 'sensitive', 'secret', 'secure', 'filtered', 'scrubbed', 'removed', 'omitted'],
    ...['obfuscated', 'protected', 'concealed', 'sanitized', 'encrypted', 'confidential', 'private', 'suppressed'],
    ...['not shown', 'write only', 'known after apply', 'computed', 'empty', 'unset', 'none', 'null'],
  ].join('|')})(?:,? (?:value|secret|password|token|data|credentials?|attribute|content|text|write only|by .*))*$`,
  'i',
)

const WORD = '[A-Za-z_][\\w.-]*'
const SECRET_WORD = '(?:pass|pwd|secret|token|key|credential|your|change|replace|insert|todo|fixme)'

const PLACEHOLDERS: readonly RegExp[] = [
  // Shells, compose files and CI. A longer name also counts within a text, since nothing else has this form.
  /^\$?\$\{ *[A-Za-z_][\w.:-]*(?:[:?+=!-][^}]*)? *\}$/,
  /\$\{[A-Za-z_][\w.:-]{4,}(?:[:?+=-][^}]*)?\}/,
  // Jinja, Helm, Ansible, GitHub Actions, Mustache; ERB and EJS.
  /\{\{[^{}]*[\w)\]"'][^{}]*\}\}/,
  /\$\{\{.*\}\}/,
  /<%[=-]?[^%]*%>/,
  /^\$?\$[A-Z][A-Z0-9]*_[A-Z0-9_]+$/,
  new RegExp(`^\\$?\\$[A-Za-z_]*${SECRET_WORD}[A-Za-z_]*$`, 'i'),
  /^\$env:\w+$/i,
  /^\$\([\w ./:-]+\)$|^\$\[[\w .:'-]+\]$/,
  // Windows, Python, Ruby, Azure, Concourse, Maven, Caddy.
  new RegExp(`^%(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+|\\w*${SECRET_WORD}\\w*)%$`, 'i'),
  new RegExp(`^%[({]${WORD}[)}]s?$`),
  new RegExp(`^#\\{${WORD}\\}#?$`),
  /^\(\([\w./:-]+\)\)$/,
  /^\[\[.+\]\]$/,
  new RegExp(`^@{1,2}(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+|\\w*${SECRET_WORD}\\w*)@{1,2}$`, 'i'),
  /^\{\$?[A-Z][A-Z0-9_]+\}$/,
  new RegExp(`^\\{\\$?\\w*${SECRET_WORD}\\w*\\}$`, 'i'),
  /^__[A-Z][A-Z0-9_]*__$/,
  // Documentation: <password>, [YOUR-PASSWORD], <your password here>.
  /^<+[A-Za-z][\w .:,'-]*>+$/,
  new RegExp(`^\\[[\\w .:'-]*${SECRET_WORD}[\\w .:'-]*\\]$`, 'i'),
  new RegExp(`^\\([\\w .:'-]*${SECRET_WORD}[\\w .:'-]*\\)$`, 'i'),
  /^(?:please )?(?:change|replace|insert|set|fill|put|enter)[ _-]?(?:me|this|it|here|in)(?:[ _-]?(?:now|please|later))?[.!]*$/i,
  /^(?:insert|enter|put|your|replace(?:[ _-]with)?)[ _-](?:your[ _-])?(?:[a-z]+[ _-])?(?:password|passphrase|secret|token|key|credentials?|api[ _-]key)(?:[ _-]here)?$/i,
  /^(?:the[ _-])?(?:password|passphrase|secret|token|key|api[ _-]?key)[ _-](?:goes[ _-])?here$/i,
  /^(?:TODO|FIXME|TBD)$/,
  // Texts that scripts print for a missing value.
  /^(?:null|undefined|None|nil|NaN|<no value>|\[object Object\]|%!s\(<nil>\))$/,
  // References that another program should have resolved, and values that it should have decrypted.
  /^(?:op|bws|keyring|gcpsm|awssm|azurekv):\/\//,
  /^ref\+[a-z0-9]+:\/\//,
  /^arn:aws[\w-]*:(?:secretsmanager|ssm):/,
  /^@Microsoft\.KeyVault\(/i,
  /^ENC\[[A-Z0-9_]+,/,
  /^\$ANSIBLE_VAULT;/,
  /^\{cipher\}/,
]
