// A data source’s record, without its credentials.

export type OnboardingStatus = 'notStarted' | 'inProgress' | 'completed' | 'failed'
export const ONBOARDING_STATUSES: readonly OnboardingStatus[] = ['notStarted', 'inProgress', 'completed', 'failed']

/** For each onboarding status, the other statuses from which it can be reached. */
export const ONBOARDING_ALLOWED_FROM: Readonly<Record<OnboardingStatus, readonly OnboardingStatus[]>> = {
  notStarted: ['inProgress', 'completed', 'failed'],
  inProgress: ['notStarted', 'failed'],
  completed: ['inProgress'],
  failed: ['inProgress'],
}

/** A live record with its creator and its data sets. Times are ISO 8601 in UTC. */
export interface DataSource {
  readonly id: string
  /** The id of its secret in Vault. In older rows it differs from `id`. */
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

/** The part of a record that `list` shows. */
export type ListedDataSource = Pick<DataSource, 'id' | 'name' | 'type' | 'env' | 'onboardingStatus' | 'updatedAt'>

/** Identifies a data source in a batch. */
export interface NameAndEnv {
  readonly name: string
  readonly env: string
}

/** A key for maps of data sources. Name and env are unique in an organization; names are compared in Unicode NFC. */
export function keyOf({ name, env }: NameAndEnv): string {
  return `${env}/${name.normalize('NFC')}`
}
