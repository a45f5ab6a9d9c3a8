/** The hint for an unknown command, if dsctl has another command for the same purpose. */
export function otherWordHint(message: string, words: string): string | undefined {
  const command = /^unknown command '(.*)'/.exec(message)?.[1]?.toLowerCase() ?? ''
  const hints = hintsByWord()[words] ?? {}
  return Object.hasOwn(hints, command) ? hints[command] : undefined
}

/** Hints for commands that only other tools have, by the words before the command. Built only when needed. */
const hintsByWord = (): Readonly<Record<string, Readonly<Record<string, string>>>> => ({
  dsctl: {
    ...sameHint(['rename', 'mv', 'move'], 'To rename a data source, run dsctl update REF --set-name NAME.'),
    ...sameHint(
      ['undelete', 'restore', 'recover', 'undo'],
      'A deleted data source cannot be restored: dsctl has removed its secret. Run dsctl create to create it again.',
    ),
    ...sameHint(['add', 'new', 'insert'], 'To create a data source, run dsctl create.'),
    ...sameHint(['show', 'describe', 'read', 'view', 'cat', 'info'], 'To show a data source, run dsctl get REF.'),
    ...sameHint(['edit', 'set', 'modify', 'change', 'patch'], 'To change a data source, run dsctl update REF.'),
    ...sameHint(['remove', 'del', 'destroy', 'drop'], 'To delete a data source, run dsctl delete REF.'),
    ...sameHint(['ping', 'connect', 'verify', 'check'], 'To test a connection, run dsctl test REF.'),
    ...sameHint(['import', 'load', 'sync'], 'To create and change data sources from files, run dsctl apply -f FILE.'),
    ...sameHint(['plan', 'preview'], 'To see what apply would change, run dsctl diff -f FILE.'),
    ...sameHint(['dump', 'backup'], 'To write data sources to a file, run dsctl export.'),
    ...sameHint(['log', 'logs', 'history', 'events'], 'To see who changed what, run dsctl audit.'),
    ...sameHint(['members', 'user', 'users'], 'To see the members, run dsctl member list.'),
    ...sameHint(['profile', 'profiles'], 'To see the profiles, run dsctl config profiles.'),
    ...sameHint(['status', 'health'], 'To check Postgres and Vault, run dsctl doctor.'),
  },
  'dsctl member': {
    ...sameHint(['rm', 'delete', 'del'], 'To remove a member, run dsctl member remove EMAIL.'),
    ...sameHint(
      ['update', 'set', 'role', 'promote', 'rename'],
      'To change a role, run dsctl member set-role EMAIL ROLE.',
    ),
    ...sameHint(['create', 'new', 'invite'], 'To add a member, run dsctl member add EMAIL --role ROLE.'),
    ...sameHint(['ls', 'show', 'get'], 'To see the members, run dsctl member list.'),
  },
  'dsctl template': {
    ...sameHint(['create', 'new', 'add', 'update'], 'To create or change a template, run dsctl template set NAME.'),
    ...sameHint(['rm', 'remove', 'del'], 'To delete a template, run dsctl template delete NAME.'),
    ...sameHint(['show', 'describe'], 'To show a template, run dsctl template get NAME.'),
    ls: 'To see the templates, run dsctl template list.',
  },
  'dsctl config': {
    ...sameHint(['rm', 'remove', 'delete'], 'To remove a setting, run dsctl config unset KEY.'),
    ...sameHint(['ls', 'show', 'view'], 'To see the settings, run dsctl config list.'),
    switch: 'To use another profile, run dsctl config use NAME.',
  },
})

function sameHint(words: readonly string[], hint: string): Record<string, string> {
  return Object.fromEntries(words.map(word => [word, hint]))
}
