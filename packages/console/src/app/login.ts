/** Logging in and out. */
import { get, post } from './api.ts';
import { ApiFailure } from './api-failure.ts';
import { type Session, session } from './session.ts';

/** @throws {ApiFailure} 401 when there is no such key, or its secret is another one */
export async function logIn(key: string, secret: string): Promise<void> {
  session.value = await post<Session>('/login', { key, secret });
}

/** Finds who has logged in before the page was loaded. */
export async function restoreSession(): Promise<void> {
  try {
    session.value = await get<Session>('/session');
  } catch (error) {
    // Who can't reach the broker may have logged in all the same.
    if (!(error instanceof ApiFailure && error.isOffline)) session.value = null;
  }
}

export async function logOut(): Promise<void> {
  try {
    await post('/logout');
  } finally {
    session.value = null;
  }
}
