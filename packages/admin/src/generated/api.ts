// Made of the operations of the server by `node scripts generate admin`.

export interface paths {
    "/api_key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The API keys of the file, without their secrets; promptmq admin key changes them
         * @description Scope: config.
         */
        get: operations["listApiKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api_key/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read the file of the API keys again
         * @description Scope: config.
         */
        post: operations["reloadApiKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Requests that could change something, the newest first: as many as admin.audit-entries
         * @description Scope: config.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/banned": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is not let in
         * @description Scope: read.
         */
        get: operations["listBanned"];
        put?: never;
        /**
         * Bans a client, user, address or network: whoever is connected is disconnected
         * @description Scope: clients.
         */
        post: operations["createBanned"];
        /**
         * Takes all bans back
         * @description Scope: clients.
         */
        delete: operations["clearBanned"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/banned/{as}/{who}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Takes a ban back
         * @description Scope: clients.
         */
        delete: operations["deleteBanned"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Clients that are connected, and those whose session continues without a connection
         * @description Scope: read.
         */
        get: operations["listClients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One client
         * @description Scope: read.
         */
        get: operations["getClient"];
        put?: never;
        post?: never;
        /**
         * Disconnects a client (reason 0x98); its session continues by the rules unless told otherwise
         * @description Scope: clients.
         */
        delete: operations["kickClient"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its subscriptions, the first 10000
         * @description Scope: read.
         */
        get: operations["getClientSubscriptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/kickout/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disconnects clients; those that are not there are left out
         * @description Scope: clients.
         */
        post: operations["kickClients"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Server-Sent Events of what happens from now on. A reader who is too slow misses some, and gets dropped with their number; one who comes back with Last-Event-ID gets gap where there have been messages meanwhile
         * @description Scope: read.
         */
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with an API key: key and secret for a cookie, username and password for a token
         * @description Scope: read.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End the session of the cookie
         * @description Scope: read.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mqtt/retainer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How many messages are retained, and how many may be
         * @description Scope: read.
         */
        get: operations["getRetainer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mqtt/retainer/message/{topic}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The retained message of a topic
         * @description Scope: read.
         */
        get: operations["getRetained"];
        put?: never;
        post?: never;
        /**
         * Removes the retained message of a topic; subscribers are not sent anything
         * @description Scope: publish.
         */
        delete: operations["deleteRetained"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mqtt/retainer/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retained messages; of their payloads as much as is asked for
         * @description Scope: read.
         */
        get: operations["listRetained"];
        put?: never;
        post?: never;
        /**
         * Removes retained messages; those of $SYS stay
         * @description Scope: publish.
         */
        delete: operations["clearRetained"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/publish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish a message; answered when it is as safe as PUBACK would say
         * @description Scope: publish.
         */
        post: operations["publish"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/publish/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish messages in their order; each has its result
         * @description Scope: publish.
         */
        post: operations["publishBulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish a request, and answer with its response: the first message to the response topic with the same Correlation Data
         * @description Scope: publish.
         */
        post: operations["request"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is logged in with the cookie
         * @description Scope: read.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the broker is, and how much it has
         * @description Scope: read.
         */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Subscriptions of all clients
         * @description Scope: read.
         */
        get: operations["listSubscriptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Error: {
            /** @description what kind of error it is, such as NOT_FOUND */
            code: string;
            /** @description what was wrong, where, and what to do */
            message: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listApiKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description the identifier of the key */
                        api_key: string;
                        /** @description RFC 3339 */
                        created_at: string;
                        enable: boolean;
                        expired: boolean;
                        /** @description RFC 3339, or infinity */
                        expired_at: string;
                        name: string;
                        scopes: ("read" | "publish" | "clients" | "auth" | "config")[];
                    }[];
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    reloadApiKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description from then on, RFC 3339 */
                gte_created_at?: string;
                http_method?: "POST" | "PUT" | "DELETE";
                http_status_code?: number;
                /** @description things on a page */
                limit?: number;
                /** @description until then, RFC 3339 */
                lte_created_at?: string;
                operation_id?: string;
                operation_result?: "success" | "failure";
                /** @description which page, from 1 on */
                page?: number;
                /** @description name of a key */
                source?: string;
                source_ip?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description RFC 3339 */
                            created_at: string;
                            duration_ms: number;
                            /**
                             * @description how who asked was known
                             * @enum {string}
                             */
                            from: "key" | "console" | "socket" | "nobody";
                            http_method: string;
                            http_status_code: number;
                            operation_id: string;
                            /** @enum {string} */
                            operation_result: "success" | "failure";
                            path: string;
                            /** @description the name of the key; socket for the Unix domain socket */
                            source: string;
                            source_ip: string | null;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            page: number;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listBanned: {
        parameters: {
            query?: {
                /** @description the ban on exactly this client */
                clientid?: string;
                /** @description bans on clients that have this in them */
                like_clientid?: string;
                /** @description bans on addresses that have this in them */
                like_peerhost?: string;
                /** @description bans on networks that have this in them */
                like_peerhost_net?: string;
                /** @description bans on users that have this in them */
                like_username?: string;
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
                /** @description the ban on exactly this address */
                peerhost?: string;
                /** @description the ban on exactly this user */
                username?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @enum {string} */
                            as: "clientid" | "username" | "peerhost" | "clientid_re" | "username_re" | "peerhost_net";
                            /** @description since when */
                            at: string;
                            by: string;
                            reason: string;
                            /** @description RFC 3339, or infinity */
                            until: string;
                            who: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            page: number;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createBanned: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    as: "clientid" | "username" | "peerhost" | "clientid_re" | "username_re" | "peerhost_net";
                    /** @description is taken, and left out: it holds from now on */
                    at?: string | number;
                    /** @description who bans; the name of the API key by default */
                    by?: string;
                    /** @default  */
                    reason?: string;
                    /** @description RFC 3339 or seconds since 1970; infinity: until it is removed */
                    until?: "infinity" | (string | number);
                    /** @description with * at the end, all that begin so; of a regular expression only ^TEXT */
                    who: string;
                };
            };
        };
        responses: {
            /** @description The ban, which replaces one on the same */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        as: "clientid" | "username" | "peerhost" | "clientid_re" | "username_re" | "peerhost_net";
                        /** @description since when */
                        at: string;
                        by: string;
                        reason: string;
                        /** @description RFC 3339, or infinity */
                        until: string;
                        who: string;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    clearBanned: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteBanned: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                as: "clientid" | "username" | "peerhost" | "clientid_re" | "username_re" | "peerhost_net";
                /** @description as it was given */
                who: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such ban */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listClients: {
        parameters: {
            query?: {
                clean_start?: "true" | "false";
                /** @description exactly this client; may be repeated */
                clientid?: string | string[];
                conn_state?: "connected" | "disconnected";
                /** @description only these fields of each, with commas between them; all by default */
                fields?: string;
                ip_address?: string;
                /** @description the identifier has this in it */
                like_clientid?: string;
                /** @description the user's name has this in it */
                like_username?: string;
                /** @description things on a page */
                limit?: number;
                /** @description only clients of this node */
                node?: string;
                /** @description of sort; desc, the most first, by default */
                order?: "desc" | "asc";
                /** @description which page, from 1 on */
                page?: number;
                proto_ver?: "3" | "4" | "5";
                /** @description by what; the first 10000 are found */
                sort?: "mqueue_len" | "mqueue_bytes" | "mqueue_dropped" | "inflight_cnt" | "subscriptions_cnt" | "recv_oct" | "send_oct" | "connected_at";
                /** @description clients of exactly this user; may be repeated */
                username?: string | string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description QoS 2 messages of the client without PUBREL */
                            awaiting_rel_cnt?: number;
                            awaiting_rel_max?: number;
                            clean_start?: boolean | null;
                            /** @description what authentication said of it */
                            client_attrs?: {
                                [key: string]: unknown;
                            };
                            clientid?: string;
                            connected?: boolean;
                            connected_at?: string | null;
                            disconnected_at?: string | null;
                            /** @description whether what is sent to it survives the process */
                            durable?: boolean;
                            /** @description seconds that its session lives after its connection; 4294967295: for ever */
                            expiry_interval?: number;
                            /** @description messages that were sent and are not settled */
                            inflight_cnt?: number;
                            /** @description as many as the client takes at a time */
                            inflight_max?: number;
                            ip_address?: string | null;
                            is_bridge?: boolean | null;
                            is_expired?: boolean;
                            /** @description seconds; 0 when it is off */
                            keepalive?: number | null;
                            /** @description name of the listener */
                            listener?: string | null;
                            mqueue_bytes?: number;
                            /** @description since the session or this process began */
                            mqueue_dropped?: number;
                            /** @description messages that wait to be sent for the first time */
                            mqueue_len?: number;
                            mqueue_max?: number;
                            node?: string;
                            /** @description the client's */
                            port?: number | null;
                            proto_name?: string | null;
                            /** @description 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0 */
                            proto_ver?: number | null;
                            /** @description how it is connected: tcp, tls, websocket, websocket-tls … */
                            protocol?: string | null;
                            /** @description bytes that came on this connection */
                            recv_oct?: number | null;
                            /** @description bytes that went on this connection */
                            send_oct?: number | null;
                            subscriptions_cnt?: number;
                            subscriptions_max?: number;
                            /** @description who it proved to be */
                            username?: string | null;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            page: number;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it is and has */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description QoS 2 messages of the client without PUBREL */
                        awaiting_rel_cnt: number;
                        awaiting_rel_max: number;
                        clean_start: boolean | null;
                        /** @description what authentication said of it */
                        client_attrs: {
                            [key: string]: unknown;
                        };
                        clientid: string;
                        connected: boolean;
                        connected_at: string | null;
                        disconnected_at: string | null;
                        /** @description whether what is sent to it survives the process */
                        durable: boolean;
                        /** @description seconds that its session lives after its connection; 4294967295: for ever */
                        expiry_interval: number;
                        /** @description messages that were sent and are not settled */
                        inflight_cnt: number;
                        /** @description as many as the client takes at a time */
                        inflight_max: number;
                        ip_address: string | null;
                        is_bridge: boolean | null;
                        is_expired: boolean;
                        /** @description seconds; 0 when it is off */
                        keepalive: number | null;
                        /** @description name of the listener */
                        listener: string | null;
                        mqueue_bytes: number;
                        /** @description since the session or this process began */
                        mqueue_dropped: number;
                        /** @description messages that wait to be sent for the first time */
                        mqueue_len: number;
                        mqueue_max: number;
                        node: string;
                        /** @description the client's */
                        port: number | null;
                        proto_name: string | null;
                        /** @description 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0 */
                        proto_ver: number | null;
                        /** @description how it is connected: tcp, tls, websocket, websocket-tls … */
                        protocol: string | null;
                        /** @description bytes that came on this connection */
                        recv_oct: number | null;
                        /** @description bytes that went on this connection */
                        send_oct: number | null;
                        subscriptions_cnt: number;
                        subscriptions_max: number;
                        /** @description who it proved to be */
                        username: string | null;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such client */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    kickClient: {
        parameters: {
            query?: {
                /** @description whether its session ends, too */
                cleanSession?: "true" | "false";
                /** @description whether its will is dropped */
                preventWillMessage?: "true" | "false";
            };
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is disconnected */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such client */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getClientSubscriptions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clientid: string;
                        /** @description whether it survives the process */
                        durable: boolean;
                        /** @description No Local: 0 or 1 */
                        nl: number;
                        node: string;
                        qos: number;
                        /** @description Retain As Published: 0 or 1 */
                        rap: number;
                        /** @description Retain Handling: 0, 1 or 2 */
                        rh: number;
                        /** @description Subscription Identifier */
                        subid: number | null;
                        /** @description the whole topic filter, $share/NAME/ included */
                        topic: string;
                    }[];
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such client */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    kickClients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": string[];
            };
        };
        responses: {
            /** @description They are disconnected */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /** @description only what is about this client */
                clientid?: string;
                /** @description a topic filter, such as devices/#: of which messages */
                filter?: string;
                /** @description auto: text where it is some, else Base64 */
                payload?: "auto" | "base64" | "none";
                /** @description of each payload; what is longer is cut */
                payload_bytes?: number;
                /** @description names with commas between them, of message, connect, disconnect, subscribe, unsubscribe, ack, drop, refuse; message needs a filter. All but ack unless given */
                type?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Continues until one side ends it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    key: string;
                    secret: string;
                } | {
                    password: string;
                    username: string;
                };
            };
        };
        responses: {
            /** @description Logged in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description what requests that change something bring as x-csrf-token */
                        csrf: string;
                        /** @description of the key */
                        name: string;
                        /** @description whether nobody can change anything here */
                        readOnly: boolean;
                        scopes: ("read" | "publish" | "clients" | "auth" | "config")[];
                    } | {
                        /** @description for Authorization: Bearer, as long as it is used */
                        token: string;
                        version?: string;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nobody is logged in any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getRetainer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Counts and limits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        count: number;
                        /** @description whether messages may be retained */
                        enable: boolean;
                        max_retained_bytes: number;
                        max_retained_messages: number;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getRetained: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the whole topic, encoded: a%2Fb */
                topic: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description With its payload */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description seconds; null: never */
                        expires_in: number | null;
                        /** @description who published it; null: not a client */
                        from_clientid: string | null;
                        /** @description in base64; null where it has more than 1048576 bytes */
                        payload: string | null;
                        /** @description bytes */
                        payload_size: number;
                        properties: {
                            content_type: string | null;
                            /** @description in base64 */
                            correlation_data: string | null;
                            payload_format_indicator: number | null;
                            response_topic: string | null;
                            user_properties: {
                                [key: string]: string | string[];
                            };
                        };
                        qos: number;
                        topic: string;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The topic has no retained message */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteRetained: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the whole topic, encoded: a%2Fb */
                topic: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The topic has no retained message */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listRetained: {
        parameters: {
            query?: {
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
                /** @description how much of each payload is answered; 0 for none */
                payload_bytes?: number;
                /** @description only those whose topics match this filter; # has none of $SYS */
                topic?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description seconds; null: never */
                            expires_in: number | null;
                            /** @description who published it; null: not a client */
                            from_clientid: string | null;
                            /** @description in base64, as much as was asked for */
                            payload?: string;
                            /** @description bytes */
                            payload_size: number;
                            qos: number;
                            topic: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            page: number;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    clearRetained: {
        parameters: {
            query?: {
                /** @description those whose topics match this filter; all without it */
                topic?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    publish: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description it is accepted, and ignored */
                    clientid?: string;
                    payload: string;
                    /**
                     * @description plain: text, which is sent as UTF-8; base64: any bytes
                     * @default plain
                     * @enum {string}
                     */
                    payload_encoding?: "plain" | "base64";
                    properties?: {
                        content_type?: string;
                        /** @description text, which is sent as UTF-8 */
                        correlation_data?: string;
                        /** @description seconds */
                        message_expiry_interval?: number;
                        payload_format_indicator?: number;
                        response_topic?: string;
                        user_properties?: {
                            [key: string]: string | string[];
                        };
                    };
                    /** @default 0 */
                    qos?: number;
                    /**
                     * @description whether it is kept for later subscribers
                     * @default false
                     */
                    retain?: boolean;
                    /** @description a topic name: no wildcards */
                    topic: string;
                };
            };
        };
        responses: {
            /** @description It is published */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description of the message, for logs of the caller */
                        id: string;
                        /** @description of its record in the log; null where nothing had to be written */
                        position: number | null;
                    };
                };
            };
            /** @description It is published, and nobody has subscribed */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id?: string;
                        message: string;
                        position?: number | null;
                        /** @description of MQTT; 16 where nobody has subscribed */
                        reason_code: number;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no room for it, or a limit */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    publishBulk: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description it is accepted, and ignored */
                    clientid?: string;
                    payload: string;
                    /**
                     * @description plain: text, which is sent as UTF-8; base64: any bytes
                     * @default plain
                     * @enum {string}
                     */
                    payload_encoding?: "plain" | "base64";
                    properties?: {
                        content_type?: string;
                        /** @description text, which is sent as UTF-8 */
                        correlation_data?: string;
                        /** @description seconds */
                        message_expiry_interval?: number;
                        payload_format_indicator?: number;
                        response_topic?: string;
                        user_properties?: {
                            [key: string]: string | string[];
                        };
                    };
                    /** @default 0 */
                    qos?: number;
                    /**
                     * @description whether it is kept for later subscribers
                     * @default false
                     */
                    retain?: boolean;
                    /** @description a topic name: no wildcards */
                    topic: string;
                }[];
            };
        };
        responses: {
            /** @description All are published */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": ({
                        /** @description of the message, for logs of the caller */
                        id: string;
                        /** @description of its record in the log; null where nothing had to be written */
                        position: number | null;
                    } | {
                        id?: string;
                        message: string;
                        position?: number | null;
                        /** @description of MQTT; 16 where nobody has subscribed */
                        reason_code: number;
                    })[];
                };
            };
            /** @description All are published, and to some of them nobody has subscribed */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": ({
                        /** @description of the message, for logs of the caller */
                        id: string;
                        /** @description of its record in the log; null where nothing had to be written */
                        position: number | null;
                    } | {
                        id?: string;
                        message: string;
                        position?: number | null;
                        /** @description of MQTT; 16 where nobody has subscribed */
                        reason_code: number;
                    })[];
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Some of them are not published: the results say which, in an array as for 200 */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    request: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    request: {
                        content_type?: string;
                        payload: string;
                        /**
                         * @description plain: text, which is sent as UTF-8; base64: any bytes
                         * @default plain
                         * @enum {string}
                         */
                        payload_encoding?: "plain" | "base64";
                        /** @default 0 */
                        qos?: number;
                        /** @description the Correlation Data, which the response has to have; by default made for it */
                        request_id?: string;
                        /** @description a topic name; by default one below $response that is made for this request */
                        response_topic?: string;
                        /** @description a topic name, to which who answers has subscribed */
                        topic: string;
                    };
                    /**
                     * @description how long the response may take, such as 500ms or 5s; 60s at most
                     * @default 10s
                     */
                    timeout?: string;
                };
            };
        };
        responses: {
            /** @description The response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        code: "OK";
                        /** @constant */
                        message: "OK";
                        response: {
                            content_type?: string;
                            payload: string;
                            /** @enum {string} */
                            payload_encoding: "plain" | "base64";
                            properties: {
                                content_type?: string;
                                /** @description where it is text */
                                correlation_data?: string;
                                /** @description where it is none */
                                correlation_data_base64?: string;
                                /** @description seconds that are left */
                                message_expiry_interval?: number;
                                payload_format_indicator?: number;
                                response_topic?: string;
                                user_properties?: {
                                    [key: string]: string | string[];
                                };
                            };
                            qos: number;
                            request_id: string;
                            topic: string;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Nobody has subscribed who could answer */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Several could answer */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no room for the request */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There was no response in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Somebody is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description what requests that change something bring as x-csrf-token */
                        csrf: string;
                        /** @description of the key */
                        name: string;
                        /** @description whether nobody can change anything here */
                        readOnly: boolean;
                        scopes: ("read" | "publish" | "clients" | "auth" | "config")[];
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The broker runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        connections: number;
                        node: string;
                        pid: number;
                        retained: number;
                        sessions: number;
                        subscriptions: number;
                        /** @description seconds */
                        uptime: number;
                        version: string;
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listSubscriptions: {
        parameters: {
            query?: {
                /** @description only those of this client */
                clientid?: string;
                /** @description things on a page */
                limit?: number;
                /** @description filters that match this one as topics do: a/# also finds a/+/c */
                match_topic?: string;
                /** @description only those of this node */
                node?: string;
                /** @description which page, from 1 on */
                page?: number;
                qos?: "0" | "1" | "2";
                share_group?: string;
                /** @description exactly this filter, with or without $share/NAME/ */
                topic?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            clientid: string;
                            /** @description whether it survives the process */
                            durable: boolean;
                            /** @description No Local: 0 or 1 */
                            nl: number;
                            node: string;
                            qos: number;
                            /** @description Retain As Published: 0 or 1 */
                            rap: number;
                            /** @description Retain Handling: 0, 1 or 2 */
                            rh: number;
                            /** @description Subscription Identifier */
                            subid: number | null;
                            /** @description the whole topic filter, $share/NAME/ included */
                            topic: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            page: number;
                        };
                    };
                };
            };
            /** @description Something in the request is not valid */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is not known who asks */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Who asks may not do this */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Asked too often */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
