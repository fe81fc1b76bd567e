import { useState } from 'preact/hooks';
import { path, post, put } from '../../app/api.ts';
import { Badge, Name } from '../../parts/basic.tsx';
import { FormDialog } from '../../parts/dialog.tsx';
import { CheckField, Field, TextField } from '../../parts/fields.tsx';
import type { Column } from '../../parts/table.tsx';
import { LiveList } from './live-list.tsx';
import { type Group, namesOf, type User } from './roles.ts';

const USER_COLUMNS: readonly Column<User>[] = [
  { key: 'name', title: 'User', cell: ({ username }) => <Name value={username} /> },
  {
    key: 'state',
    title: 'State',
    cell: ({ disabled }) =>
      disabled === true ? <Badge tone="bad">disabled</Badge> : <Badge tone="good">enabled</Badge>,
  },
  {
    key: 'roles',
    title: 'Roles',
    cell: ({ roles = [] }) => <Name value={roles.map((one) => one.rolename).join(', ')} />,
  },
  {
    key: 'groups',
    title: 'Groups',
    cell: ({ groups = [] }) => <Name value={groups.map((one) => one.groupname).join(', ')} />,
  },
  {
    key: 'clientid',
    title: 'Only as client',
    isExtra: true,
    cell: ({ clientid }) => <Name value={clientid} none="any" />,
  },
];

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { key: 'name', title: 'Group', cell: ({ groupname }) => <Name value={groupname} /> },
  {
    key: 'roles',
    title: 'Roles',
    cell: ({ roles = [] }) => <Name value={roles.map((one) => one.rolename).join(', ')} />,
  },
  {
    key: 'users',
    title: 'Users',
    cell: ({ clients = [] }) => <Name value={clients.map((one) => one.username).join(', ')} />,
  },
];

export function Users() {
  return (
    <LiveList<User>
      at="users"
      what="user"
      nameOf={({ username }) => username}
      columns={USER_COLUMNS}
      editor={(user, onClose) => <UserDialog user={user} onClose={onClose} />}
    />
  );
}

export function Groups() {
  return (
    <LiveList<Group>
      at="groups"
      what="group"
      nameOf={({ groupname }) => groupname}
      columns={GROUP_COLUMNS}
      editor={(group, onClose) => <GroupDialog group={group} onClose={onClose} />}
    />
  );
}

function UserDialog({
  user,
  onClose,
}: {
  readonly user: User | null;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState(user?.username ?? '');
  const [password, setPassword] = useState('');
  const [roles, setRoles] = useState((user?.roles ?? []).map((one) => one.rolename).join(', '));
  const [groups, setGroups] = useState((user?.groups ?? []).map((one) => one.groupname).join(', '));
  const [isEnabled, setEnabled] = useState(user?.disabled !== true);
  const submit = async () => {
    const fields = {
      ...(password === '' ? {} : { password }),
      disabled: !isEnabled,
      roles: namesOf(roles).map((rolename) => ({ rolename })),
      groups: namesOf(groups).map((groupname) => ({ groupname })),
    };
    if (user === null) await post('/users', { username: name, ...fields });
    else await put(path`/users/${name}`, fields);
  };
  return (
    <FormDialog
      title={user === null ? 'New user' : 'Change a user'}
      action={user === null ? 'Make' : 'Change'}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="User name"
        name="username"
        value={name}
        isRequired
        isFixed={user !== null}
        onChange={setName}
      />
      <Field label="Password" hint={user === null ? undefined : 'left empty, it stays as it is'}>
        <input
          name="new-password"
          type="password"
          autocomplete="new-password"
          value={password}
          required={user === null}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </Field>
      <TextField
        label="Roles"
        name="roles"
        value={roles}
        onChange={setRoles}
        hint="with commas between"
      />
      <TextField
        label="Groups"
        name="groups"
        value={groups}
        onChange={setGroups}
        hint="with commas between"
      />
      <CheckField label="may connect" value={isEnabled} onChange={setEnabled} />
    </FormDialog>
  );
}

function GroupDialog({
  group,
  onClose,
}: {
  readonly group: Group | null;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState(group?.groupname ?? '');
  const [roles, setRoles] = useState((group?.roles ?? []).map((one) => one.rolename).join(', '));
  const [users, setUsers] = useState((group?.clients ?? []).map((one) => one.username).join(', '));
  const submit = async () => {
    const fields = {
      roles: namesOf(roles).map((rolename) => ({ rolename })),
      clients: namesOf(users).map((username) => ({ username })),
    };
    if (group === null) await post('/groups', { groupname: name, ...fields });
    else await put(path`/groups/${name}`, fields);
  };
  return (
    <FormDialog
      title={group === null ? 'New group' : 'Change a group'}
      action={group === null ? 'Make' : 'Change'}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Group"
        name="group"
        value={name}
        isRequired
        isFixed={group !== null}
        onChange={setName}
      />
      <TextField
        label="Roles"
        name="roles"
        value={roles}
        onChange={setRoles}
        hint="with commas between"
      />
      <TextField
        label="Users"
        name="users"
        value={users}
        onChange={setUsers}
        hint="with commas between"
      />
    </FormDialog>
  );
}
