import { useState } from 'preact/hooks';
import { path, post, put } from '../../app/api.ts';
import { Badge, Name } from '../../parts/basic.tsx';
import { FormDialog } from '../../parts/dialog.tsx';
import { Choice, Field } from '../../parts/fields.tsx';
import type { Column } from '../../parts/table.tsx';
import { LiveList } from './live-list.tsx';
import { ACL_TYPES, type Acl, type AclType, type Role } from './roles.ts';

const COLUMNS: readonly Column<Role>[] = [
  { key: 'name', title: 'Role', cell: ({ rolename }) => <Name value={rolename} /> },
  {
    key: 'acls',
    title: 'Rules',
    cell: ({ acls = [] }) => (
      <ul class="bare-list">
        {acls.map(({ acltype, topic, allow, priority = 0 }) => (
          <li key={`${acltype} ${topic}`}>
            <Badge tone={allow ? 'good' : 'bad'}>{allow ? 'allow' : 'deny'}</Badge>{' '}
            {ACL_TYPES.find(([type]) => type === acltype)?.[1] ?? acltype} <Name value={topic} />
            {priority !== 0 && <span class="muted"> priority {priority}</span>}
          </li>
        ))}
      </ul>
    ),
  },
];

export function Roles() {
  return (
    <LiveList<Role>
      at="roles"
      what="role"
      nameOf={({ rolename }) => rolename}
      columns={COLUMNS}
      editor={(role, onClose) => <RoleDialog role={role} onClose={onClose} />}
    />
  );
}

function RoleDialog({
  role,
  onClose,
}: {
  readonly role: Role | null;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState(role?.rolename ?? '');
  const [acls, setAcls] = useState<readonly Acl[]>(role?.acls ?? []);
  const change = (index: number, fields: Partial<Acl>) =>
    setAcls(acls.map((acl, at) => (at === index ? { ...acl, ...fields } : acl)));
  const submit = async () => {
    if (role === null) await post('/roles', { rolename: name, acls });
    else await put(path`/roles/${name}`, { acls });
  };
  return (
    <FormDialog
      title={role === null ? 'New role' : 'Change a role'}
      action={role === null ? 'Make' : 'Change'}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Role">
        <input
          name="role"
          value={name}
          required
          disabled={role !== null}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </Field>
      {acls.map((acl, index) => (
        // Rules have no identity but their place.
        <div class="rule" key={index}>
          <Choice
            label={`rule ${index + 1}`}
            value={acl.allow ? 'allow' : 'deny'}
            options={[
              ['allow', 'allow'],
              ['deny', 'deny'],
            ]}
            onChoose={(value) => change(index, { allow: value === 'allow' })}
          />
          <Choice
            label={`what rule ${index + 1} is about`}
            value={acl.acltype as AclType}
            options={ACL_TYPES}
            onChoose={(acltype) => change(index, { acltype })}
          />
          <input
            aria-label={`topic of rule ${index + 1}`}
            placeholder="topic filter"
            value={acl.topic}
            required
            onInput={(event) => change(index, { topic: event.currentTarget.value })}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`remove rule ${index + 1}`}
            onClick={() => setAcls(acls.filter((_, at) => at !== index))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() =>
          setAcls([...acls, { acltype: 'publishClientSend', topic: '', allow: true, priority: 0 }])
        }
      >
        + rule
      </button>
    </FormDialog>
  );
}
