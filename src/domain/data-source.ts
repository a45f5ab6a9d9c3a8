// The entity: a data source’s record, without its credentials.

export type OnboardingStatus = 'notStarted' | 'inProgress' | 'completed' | 'failed'
export const ONBOARDING_STATUSES: readonly OnboardingStatus[] = ['notStarted', 'inProgress', 'completed', 'failed']

/** The state machine of onboarding: for each status those from which it may be moved to. */
export const ONBOARDING_ALLOWED_FROM: Readonly<Record<OnboardingStatus, readonly OnboardingStatus[]>> = {
  notStarted: ONBOARDING_STATUSES,
  inProgress: ['notStarted', 'failed'],
  completed: ['inProgress'],
  failed: ['inProgress'],
}

/** A live record with what every answer shows beside it. Times are ISO 8601 in UTC. */
export interface DataSource {
  readonly id: string
  /** Where its credentials are. Older rows have one that differs from `id`. */
  readonly secretId: string
  readonly organizationId: string
  readonly name: string
  readonly type: string
  readonly env: string
  readonly onboardingStatus: OnboardingStatus
  readonly onboardingError: string | null
  readonly createdAt: string
  readonly updatedAt: string
  readonly createdBy: { readonly id: string; readonly email: string; readonly name: string | null } | null
  readonly dataSets: readonly { readonly id: string; readonly name: string }[]
}

/** What `list` shows of a record. */
export type ListedDataSource = Pick<DataSource, 'id' | 'name' | 'type' | 'env' | 'onboardingStatus' | 'updatedAt'>

/** What identifies a data source in a batch. */
export interface NameAndEnv {
  readonly name: string
  readonly env: string
}

/** A key for maps of data sources. Name and env are unique in an organization. */
export function keyOf({ name, env }: NameAndEnv): string {
  return `${env}/${name}`
}
