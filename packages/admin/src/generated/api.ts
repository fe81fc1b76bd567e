// Made of the operations of the server by `node scripts generate admin`.

export interface paths {
    "/acl/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Whether somebody may do something, and which rule decides
         * @description Scope: read.
         */
        post: operations["testAccess"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What an operator should know of, and what to do about it
         * @description Scope: read.
         */
        get: operations["listAlarms"];
        put?: never;
        post?: never;
        /**
         * Forgets the alarms that are over
         * @description Scope: config.
         */
        delete: operations["deletePastAlarms"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/analytics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Which topics, publishers or subscribers have most of the messages
         * @description Scope: read.
         */
        get: operations["getAnalytics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
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
    "/clients/{clientid}/inflight_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Messages that were sent to it and are not settled
         * @description Scope: read.
         */
        get: operations["getClientInflight"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/mqueue_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Messages that wait for it, retained ones first
         * @description Scope: read.
         */
        get: operations["getClientQueue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/subscribe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Has a client subscribed, connected or not, within its own limits and rules
         * @description Scope: clients.
         */
        post: operations["subscribeClient"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/subscribe/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The same for several filters, one after the other up to one that is refused
         * @description Scope: clients.
         */
        post: operations["subscribeClientBulk"];
        delete?: never;
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
    "/clients/{clientid}/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Server-Sent Events of every packet of a client from now on, whether it is connected or connects later. Of payloads, passwords and the like they have only the sizes
         * @description Scope: read.
         */
        get: operations["traceClient"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/unsubscribe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes a subscription of a client away, if it has it
         * @description Scope: clients.
         */
        post: operations["unsubscribeClient"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients/{clientid}/unsubscribe/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The same for several filters
         * @description Scope: clients.
         */
        post: operations["unsubscribeClientBulk"];
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
    "/configs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every option with its value, where that comes from, and whether it needs a restart
         * @description Scope: config.
         */
        get: operations["getConfigs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/configs/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read the configuration and its files again, and put them in force
         * @description Scope: config.
         */
        post: operations["reloadConfigs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dynamic_security": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Commands of mosquitto’s dynamic security, one after the other; each has its answer
         * @description Scope: auth.
         */
        post: operations["askDynamicSecurity"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dynamic_security/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All users, groups and roles as mosquitto’s dynamic-security.json, hashes included
         * @description Scope: auth.
         */
        get: operations["exportDynamicSecurity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dynamic_security/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take over a dynamic-security.json of mosquitto, while there is nobody yet
         * @description Scope: auth.
         */
        post: operations["importDynamicSecurity"];
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
         * Server-Sent Events of what happens from now on. Where more of a type happens than rate allows, pause says for how many milliseconds the broker makes none. A reader who is too slow misses some, and gets dropped with their number; one who comes back with Last-Event-ID, as browsers do, gets those that he has missed, and gap where some of them are not there any more
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
    "/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who would get a message, and who not and why; nothing is published
         * @description Scope: read.
         */
        get: operations["explainPublish"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All groups of dynamic security
         * @description Scope: auth.
         */
        get: operations["listGroups"];
        put?: never;
        /**
         * Make a group; answered when it is committed
         * @description Scope: auth.
         */
        post: operations["createGroup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/groups/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One group
         * @description Scope: auth.
         */
        get: operations["getGroup"];
        /**
         * Change a group: what is left out stays as it is, and a list replaces the former
         * @description Scope: auth.
         */
        put: operations["modifyGroup"];
        post?: never;
        /**
         * Delete a group; clients that lose a right are cut off
         * @description Scope: auth.
         */
        delete: operations["deleteGroup"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happened to clients lately, newest first
         * @description Scope: read.
         */
        get: operations["listHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/listeners": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where clients connect, with certificates and when they expire
         * @description Scope: read.
         */
        get: operations["listListeners"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/listeners/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One of them; of several addresses of one name, the first
         * @description Scope: read.
         */
        get: operations["getListener"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/listeners/{id}/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop a listener with all its addresses, which disconnects its clients (reason 0x98), start it again, or both. When the broker starts, all are started
         * @description Scope: config.
         */
        post: operations["changeListener"];
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
         * End the session of the cookie, or of the token, with the streams that it has opened
         * @description Scope: read.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Server-Sent Events of the lines of the log: the last ones, then each as it is written. log.level says what is written at all; lines of this API, which say who did what, are for the scope config
         * @description Scope: read.
         */
        get: operations["followLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was counted since the start; Prometheus has more at metrics.bind
         * @description Scope: read.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/monitor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was counted lately, over time
         * @description Scope: read.
         */
        get: operations["listSamples"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/monitor_current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How much there is now, and how fast it goes
         * @description Scope: read.
         */
        get: operations["getCurrentFigures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/monitor_current/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The same of one node
         * @description Scope: read.
         */
        get: operations["getCurrentFiguresOfNode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/monitor/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The same of one node
         * @description Scope: read.
         */
        get: operations["listSamplesOfNode"];
        put?: never;
        post?: never;
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
    "/mqtt/topic_metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was counted by topic filter
         * @description Scope: read.
         */
        get: operations["listTopicMetrics"];
        /**
         * Begins to count anew
         * @description Scope: config.
         */
        put: operations["resetTopicMetrics"];
        /**
         * Counts by one more topic filter, until the broker is started again
         * @description Scope: config.
         */
        post: operations["addTopicMetric"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mqtt/topic_metrics/{topic}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was counted of one topic filter
         * @description Scope: read.
         */
        get: operations["getTopicMetric"];
        put?: never;
        post?: never;
        /**
         * Does not count by a topic filter any more
         * @description Scope: config.
         */
        delete: operations["deleteTopicMetric"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The broker, as the one node that there is
         * @description Scope: read.
         */
        get: operations["listNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The broker, by the name of its node
         * @description Scope: read.
         */
        get: operations["getNode"];
        put?: never;
        post?: never;
        delete?: never;
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
         * Publish messages in their order; each has its result. Where a topic or a payload is wrong, none is published
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
    "/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All roles of dynamic security
         * @description Scope: auth.
         */
        get: operations["listRoles"];
        put?: never;
        /**
         * Make a role; answered when it is committed
         * @description Scope: auth.
         */
        post: operations["createRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/roles/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One role
         * @description Scope: auth.
         */
        get: operations["getRole"];
        /**
         * Change a role: what is left out stays as it is, and a list replaces the former
         * @description Scope: auth.
         */
        put: operations["modifyRole"];
        post?: never;
        /**
         * Delete a role; clients that lose a right are cut off
         * @description Scope: auth.
         */
        delete: operations["deleteRole"];
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
    "/shared_groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Groups of shared subscriptions, with who gets what
         * @description Scope: read.
         */
        get: operations["listSharedGroups"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/slow_subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The clients for which most waits, most bytes first
         * @description Scope: read.
         */
        get: operations["listSlowSubscriptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How much there is of everything, and was at most
         * @description Scope: read.
         */
        get: operations["getStats"];
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
         * What the broker is, and how much it has. Who sends no key, or one without the scope read, gets a text that says that it runs, and its node, as EMQX has it; `/status` beside the API is the same
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
    "/storage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The log: its files, what is needed of them, compaction, and what the start found
         * @description Scope: read.
         */
        get: operations["getStorage"];
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
    "/topic_tree": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The levels that topics have below others, as far as topics are known
         * @description Scope: read.
         */
        get: operations["getTopicTree"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/topics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Topic filters that anybody subscribes to, each once
         * @description Scope: read.
         */
        get: operations["listTopics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/topics/{topic}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether anybody subscribes to a topic filter
         * @description Scope: read.
         */
        get: operations["getTopic"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Traces with names, in the order in which they were made
         * @description Scope: read.
         */
        get: operations["listTraces"];
        put?: never;
        /**
         * Trace packets of a client, messages and subscriptions of topics, or packets of clients from an address, until it is stopped, its time is over, or admin.max-trace-bytes are there. Of payloads, passwords and the like it has only the sizes. It is in memory, and ends with the process
         * @description Scope: clients.
         */
        post: operations["createTrace"];
        /**
         * Delete all traces, with what they have
         * @description Scope: clients.
         */
        delete: operations["deleteTraces"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace/{name}": {
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
         * Delete a trace, with what it has
         * @description Scope: clients.
         */
        delete: operations["deleteTrace"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace/{name}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The whole trace as a file of lines; EMQX has it in a zip
         * @description Scope: read.
         */
        get: operations["downloadTrace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace/{name}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A part of a trace; the next one begins at the position in the meta
         * @description Scope: read.
         */
        get: operations["readTrace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace/{name}/log_detail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How much a trace has, and since when
         * @description Scope: read.
         */
        get: operations["getTraceSize"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trace/{name}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Stop a trace; what it has can still be read
         * @description Scope: clients.
         */
        put: operations["stopTrace"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All users of dynamic security
         * @description Scope: auth.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Make a user; answered when it is committed
         * @description Scope: auth.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One user
         * @description Scope: auth.
         */
        get: operations["getUser"];
        /**
         * Change a user: what is left out stays as it is, and a list replaces the former
         * @description Scope: auth.
         */
        put: operations["modifyUser"];
        post?: never;
        /**
         * Delete a user; clients that lose a right are cut off
         * @description Scope: auth.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Why a client did not get what was published to a topic
         * @description Scope: read.
         */
        get: operations["explainDelivery"];
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
    testAccess: {
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
                    action: "publish" | "subscribe" | "receive" | "unsubscribe";
                    clientid: string;
                    /** @description what authentication would say of it */
                    groups?: string[];
                    ip_address?: string;
                    /** @default 0 */
                    qos?: number;
                    /** @default false */
                    retain?: boolean;
                    roles?: string[];
                    /** @description a topic name; to subscribe and unsubscribe, a filter */
                    topic: string;
                    /** @default null */
                    username?: string | null;
                };
            };
        };
        responses: {
            /** @description What the rules say */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        allowed: boolean;
                        /** @description whether what the subscription brings is filtered */
                        filtered: boolean;
                        /**
                         * @description whose rules: those of the connection that this client of this user has, or not
                         * @enum {string}
                         */
                        of: "connection" | "configuration";
                        /** @enum {string} */
                        result: "allow" | "deny";
                        /** @description that decides; null where none does */
                        rule: string | null;
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
    listAlarms: {
        parameters: {
            query?: {
                /** @description false: those that are over, the latest first, 500 at most */
                activated?: "true" | "false";
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alarms */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            activate_at: string;
                            /** @description infinity while it is active */
                            deactivate_at: string;
                            /** @description the figures that it was seen by, and remedy: what to do */
                            details: {
                                [key: string]: string | number;
                            };
                            /** @description milliseconds */
                            duration: number;
                            /** @description what is so */
                            message: string;
                            /** @description such as disk_full; with what it is about after a slash where there may be several */
                            name: string;
                            node: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
    deletePastAlarms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are forgotten */
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
    getAnalytics: {
        parameters: {
            query?: {
                /** @description prefix: the first levels of topics (analytics.depth); filter: those of metrics.topics and /mqtt/topic_metrics, exactly */
                by?: "topic" | "prefix" | "publisher" | "subscriber" | "filter";
                /** @description this one alone; over_time is of it */
                key?: string;
                /** @description how many at most */
                limit?: number;
                /** @description what the most is of */
                sort?: "messages" | "bytes";
                /** @description of the last minutes */
                window?: "1m" | "5m" | "15m" | "30m" | "1h";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Most first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        by: string;
                        /** @description of all payloads */
                        bytes: number;
                        data: {
                            /** @description bytes a second */
                            byte_rate: number;
                            /** @description of payloads, estimated; of what it is not sorted by, at least so much */
                            bytes: number;
                            /** @description the topic, the prefix (a filter), the client identifier or the filter; empty: published by the program that the broker runs in */
                            key: string;
                            /** @description what it is sorted by is at least this, 19 times of 20 */
                            least: number;
                            /** @description messages a second */
                            message_rate: number;
                            /** @description estimated */
                            messages: number;
                            /** @description and at most this */
                            most: number;
                            /** @description of all, 0 to 1, in what it is sorted by */
                            share: number;
                        }[];
                        /** @description all messages in the time */
                        messages: number;
                        over_time: {
                            bytes: number;
                            messages: number;
                            /** @description start of the minute, in milliseconds since 1970 */
                            time_stamp: number;
                        }[];
                        /** @description the answer is of this time */
                        seconds: number;
                        /** @description since when messages are looked at, in milliseconds since 1970; null: they are not */
                        since: number | null;
                        sizes: {
                            messages: number;
                            /** @description bytes, and more than half of it */
                            up_to: number;
                        }[];
                        sort: string;
                        /** @description messages that one stands for that is looked at now */
                        stands_for: number;
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
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
                /** @description nobody is idle: before its CONNECT a connection is no client yet */
                conn_state?: "connected" | "idle" | "disconnected";
                /** @description in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly */
                cursor?: string;
                /** @description only these fields of each, with commas between them; all by default */
                fields?: string;
                /** @description connected since then or later */
                gte_connected_at?: string | number;
                /** @description its session was made then or later */
                gte_created_at?: string | number;
                ip_address?: string;
                /** @description the identifier has this in it */
                like_clientid?: string;
                /** @description the user's name has this in it */
                like_username?: string;
                /** @description things on a page */
                limit?: number;
                /** @description connected since then or earlier */
                lte_connected_at?: string | number;
                /** @description its session was made then or earlier */
                lte_created_at?: string | number;
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
                            /** @description when its session was made, to the second; null where that was before this process */
                            created_at?: string | null;
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
                            /** @description for the next page; none when there is none; left out without a cursor */
                            cursor?: string;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
                            /** @description left out with a cursor */
                            page?: number;
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
                        /** @description when its session was made, to the second; null where that was before this process */
                        created_at: string | null;
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
                /** @description what an MQTT 5 client is sent, such as 0x87; 0x98 by default */
                reasonCode?: string;
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
    getClientInflight: {
        parameters: {
            query?: {
                limit?: number;
                /** @description of all payloads together: then the page ends; it has one message at least */
                max_payload_bytes?: string;
                /** @description how payloads are answered */
                payload?: "none" | "base64" | "plain";
                /** @description the position in the meta of the page before; none for the first page */
                position?: string;
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
            /** @description A page of them, in their order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description null where it is not known */
                            from_clientid: string | null;
                            /** @description its place in this list */
                            msgid: string;
                            packet_id: number | null;
                            /** @description as payload says */
                            payload?: string;
                            payload_size: number | null;
                            qos: number | null;
                            retain: boolean | null;
                            /** @description $share/NAME/FILTER by which it came */
                            shared_filter: string | null;
                            /**
                             * @description released: PUBREC has come for it
                             * @enum {string}
                             */
                            state: "queued" | "sent" | "released";
                            /** @description null where the message is not known any more */
                            topic: string | null;
                        }[];
                        meta: {
                            /** @description of all pages */
                            count: number;
                            /** @description for the next page; none when there is none */
                            position: string;
                            /** @description position of the first of the page */
                            start: string;
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
    getClientQueue: {
        parameters: {
            query?: {
                limit?: number;
                /** @description of all payloads together: then the page ends; it has one message at least */
                max_payload_bytes?: string;
                /** @description how payloads are answered */
                payload?: "none" | "base64" | "plain";
                /** @description the position in the meta of the page before; none for the first page */
                position?: string;
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
            /** @description A page of them, in their order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description null where it is not known */
                            from_clientid: string | null;
                            /** @description its place in this list */
                            msgid: string;
                            packet_id: number | null;
                            /** @description as payload says */
                            payload?: string;
                            payload_size: number | null;
                            qos: number | null;
                            retain: boolean | null;
                            /** @description $share/NAME/FILTER by which it came */
                            shared_filter: string | null;
                            /**
                             * @description released: PUBREC has come for it
                             * @enum {string}
                             */
                            state: "queued" | "sent" | "released";
                            /** @description null where the message is not known any more */
                            topic: string | null;
                        }[];
                        meta: {
                            /** @description of all pages */
                            count: number;
                            /** @description for the next page; none when there is none */
                            position: string;
                            /** @description position of the first of the page */
                            start: string;
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
    subscribeClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description No Local
                     * @default 0
                     */
                    nl?: 0 | 1;
                    /** @default 0 */
                    qos?: 0 | 1 | 2;
                    /**
                     * @description Retain As Published
                     * @default 0
                     */
                    rap?: 0 | 1;
                    /**
                     * @description Retain Handling
                     * @default 0
                     */
                    rh?: 0 | 1 | 2;
                    /** @description the whole topic filter, also $share/NAME/FILTER */
                    topic: string;
                };
            };
        };
        responses: {
            /** @description As it was granted */
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
    subscribeClientBulk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description No Local
                     * @default 0
                     */
                    nl?: 0 | 1;
                    /** @default 0 */
                    qos?: 0 | 1 | 2;
                    /**
                     * @description Retain As Published
                     * @default 0
                     */
                    rap?: 0 | 1;
                    /**
                     * @description Retain Handling
                     * @default 0
                     */
                    rh?: 0 | 1 | 2;
                    /** @description the whole topic filter, also $share/NAME/FILTER */
                    topic: string;
                }[];
            };
        };
        responses: {
            /** @description As they were granted */
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
    traceClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                clientid: string;
            };
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
    unsubscribeClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description the whole topic filter */
                    topic: string;
                };
            };
        };
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
    unsubscribeClientBulk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its client identifier */
                clientid: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description the whole topic filter */
                    topic: string;
                }[];
            };
        };
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
            query?: {
                /** @description whether its session ends, too */
                cleanSession?: "true" | "false";
                /** @description whether its will is dropped */
                preventWillMessage?: "true" | "false";
                /** @description what an MQTT 5 client is sent, such as 0x87; 0x98 by default */
                reasonCode?: string;
                /** @description whether it is answered for which of them there was something to do */
                report?: "true" | "false";
            };
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
            /** @description Those for which there was something to do */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: string[];
                    };
                };
            };
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
    getConfigs: {
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
                        data: {
                            default: string;
                            description: string;
                            /** @description whether nobody has set it */
                            is_default: boolean;
                            /** @description such as mqtt.max-qos */
                            key: string;
                            needs_restart: boolean;
                            /** @enum {string} */
                            origin: "default" | "file" | "environment" | "flag";
                            /** @description the flag, the variable, or the file with line and column */
                            source: string;
                            /** @description as in a file, in YAML; secrets are hidden */
                            value: string;
                        }[];
                        file: string | null;
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
            /** @description The program in which the broker is embedded has its own configuration */
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
    reloadConfigs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is in force, but for what needs a restart */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        changed: string[];
                        need_restart: string[];
                    };
                };
            };
            /** @description Something is wrong with it, and nothing was changed; problems says what, and where */
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
            /** @description The program in which the broker is embedded has its own configuration */
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
    askDynamicSecurity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    commands: ({
                        command: string;
                    } & {
                        [key: string]: unknown;
                    })[];
                };
            };
        };
        responses: {
            /** @description They were asked */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        responses: {
                            [key: string]: unknown;
                        }[];
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    exportDynamicSecurity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    importDynamicSecurity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            /** @description It is taken over */
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
                /** @description events a second of each type, at most admin.max-event-rate, which it is unless given. They are counted before clientid is looked at */
                rate?: number;
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
    explainPublish: {
        parameters: {
            query: {
                /** @description the client identifier of who would publish it */
                from?: string;
                qos?: number;
                retain?: "true" | "false";
                /** @description a topic name */
                topic: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What would become of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description of those who have a subscription that matches */
                        count: number;
                        publisher: {
                            allowed: boolean;
                            clientid: string;
                            connected: boolean;
                            rule: string | null;
                        } | null;
                        qos: number;
                        /** @description the first 1,000 of them */
                        recipients: {
                            clientid: string;
                            connected: boolean;
                            /** @description its subscriptions that match, at most ten */
                            filters: string[];
                            /** @enum {string} */
                            outcome: "sent" | "queued" | "nothing";
                            qos: number | null;
                            retain: boolean | null;
                            /** @description that denies it */
                            rule: string | null;
                            /** @description why it gets it later or not; one-of-several: it, or one like it of the same shared group in another process */
                            why: ("offline" | "behind" | "queue-full" | "no-local" | "denied" | "not-chosen" | "one-of-several") | null;
                        }[];
                        retain: boolean;
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
    listGroups: {
        parameters: {
            query?: {
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
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
                            [key: string]: unknown;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    createGroup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    clients?: {
                        priority?: number;
                        username: string;
                    }[];
                    groupname: string;
                    roles?: {
                        priority?: number;
                        rolename: string;
                    }[];
                    textdescription?: string;
                    textname?: string;
                };
            };
        };
        responses: {
            /** @description It is made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is one already */
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
        };
    };
    getGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    modifyGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    clients?: {
                        priority?: number;
                        username: string;
                    }[];
                    roles?: {
                        priority?: number;
                        rolename: string;
                    }[];
                    textdescription?: string;
                    textname?: string;
                };
            };
        };
        responses: {
            /** @description It is changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    deleteGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    listHistory: {
        parameters: {
            query?: {
                clientid?: string;
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
                /** @description topic name or topic filter, to the letter */
                topic?: string;
                type?: "connect" | "disconnect" | "session-end" | "subscribe" | "unsubscribe" | "deny" | "refuse" | "drop" | "will";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description where the client was, or who has taken over: address and port */
                            address?: string;
                            cause: string;
                            clientid: string;
                            count: number;
                            /** @description the rule, or why something was refused */
                            detail?: string;
                            filter_count?: number;
                            /** @description of a session that ended: what it had, of many the first */
                            filters?: string[];
                            /** @description the last time */
                            last_ts: number;
                            qos?: number;
                            reason_code?: number;
                            /** @description what happened, for people */
                            text: string;
                            /** @description topic name, or topic filter of a subscription */
                            topic?: string;
                            /** @description when, the first time, in milliseconds since 1970 */
                            ts: number;
                            /** @enum {string} */
                            type: "connect" | "disconnect" | "session-end" | "subscribe" | "unsubscribe" | "deny" | "refuse" | "drop" | "will";
                            username?: string;
                            /** @description messages that waited then */
                            waiting?: number;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
    listListeners: {
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
                        bind: string;
                        /** @description that it shows, and those that sign its clients’ */
                        certificates: {
                            /** @description negative when it has expired */
                            days_left: number;
                            expires_at: string;
                            issuer: string;
                            /** @description its common name, or its whole subject */
                            name: string;
                            subject: string;
                        }[];
                        current_connections: number;
                        enable: boolean;
                        /** @description such as tcp:default */
                        id: string;
                        max_connections: number;
                        name: string;
                        node_status: {
                            node: string;
                            status: {
                                current_connections: number;
                                max_connections: number;
                                running: boolean;
                            };
                        }[];
                        running: boolean;
                        status: {
                            current_connections: number;
                            max_connections: number;
                            running: boolean;
                        };
                        /** @enum {string} */
                        type: "tcp" | "ssl" | "ws" | "wss" | "auto";
                        /** @description for clients */
                        urls: string[];
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
    getListener: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description such as tcp:default */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        bind: string;
                        /** @description that it shows, and those that sign its clients’ */
                        certificates: {
                            /** @description negative when it has expired */
                            days_left: number;
                            expires_at: string;
                            issuer: string;
                            /** @description its common name, or its whole subject */
                            name: string;
                            subject: string;
                        }[];
                        current_connections: number;
                        enable: boolean;
                        /** @description such as tcp:default */
                        id: string;
                        max_connections: number;
                        name: string;
                        node_status: {
                            node: string;
                            status: {
                                current_connections: number;
                                max_connections: number;
                                running: boolean;
                            };
                        }[];
                        running: boolean;
                        status: {
                            current_connections: number;
                            max_connections: number;
                            running: boolean;
                        };
                        /** @enum {string} */
                        type: "tcp" | "ssl" | "ws" | "wss" | "auto";
                        /** @description for clients */
                        urls: string[];
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
            /** @description There is none of that name */
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
    changeListener: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                action: "start" | "stop" | "restart";
                /** @description such as tcp:default */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The listener as it is then */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        bind: string;
                        /** @description that it shows, and those that sign its clients’ */
                        certificates: {
                            /** @description negative when it has expired */
                            days_left: number;
                            expires_at: string;
                            issuer: string;
                            /** @description its common name, or its whole subject */
                            name: string;
                            subject: string;
                        }[];
                        current_connections: number;
                        enable: boolean;
                        /** @description such as tcp:default */
                        id: string;
                        max_connections: number;
                        name: string;
                        node_status: {
                            node: string;
                            status: {
                                current_connections: number;
                                max_connections: number;
                                running: boolean;
                            };
                        }[];
                        running: boolean;
                        status: {
                            current_connections: number;
                            max_connections: number;
                            running: boolean;
                        };
                        /** @enum {string} */
                        type: "tcp" | "ssl" | "ws" | "wss" | "auto";
                        /** @description for clients */
                        urls: string[];
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
            /** @description There is none of that name */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description An address could not be opened */
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
    followLog: {
        parameters: {
            query?: {
                /** @description a text that is in the line, in any case */
                filter?: string;
                /** @description the lowest */
                level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                /** @description of those before; log.tail-lines are kept */
                lines?: number;
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
            /** @description The program in which the broker is embedded has its own log */
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
    getMetrics: {
        parameters: {
            query?: {
                /** @description whether all nodes are answered as one object, instead of a list with an object for each */
                aggregate?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: number | string;
                    }[] | {
                        [key: string]: number | string;
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
    listSamples: {
        parameters: {
            query?: {
                /** @description how many seconds: up to an hour in steps of 10 seconds, up to a day in steps of a minute */
                latest?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oldest first; none in the first 10 seconds */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        acknowledged: number;
                        /** @description clients with a session, connected or not */
                        connections: number;
                        connects: number;
                        cpu_percent: number;
                        denied: number;
                        disconnected_durable_sessions: number;
                        disconnects: number;
                        dropped: number;
                        dropped_by_reason: {
                            [key: string]: number;
                        };
                        event_loop_lag_max_ms: number;
                        event_loop_lag_p99_ms: number;
                        /** @description records that one fsync has made safe, on average */
                        fsync_group: number;
                        fsync_max_ms: number;
                        fsync_p99_ms: number;
                        fsyncs: number;
                        heap_bytes: number;
                        internal_errors: number;
                        /** @description clients that are connected */
                        live_connections: number;
                        log_lines_dropped: number;
                        overload_level: number;
                        persisted: number;
                        provider_failures: number;
                        publishers_held_back: number;
                        queued_messages: number;
                        received: number;
                        received_bytes: number;
                        received_payload_bytes: number;
                        received_qos0: number;
                        received_qos1: number;
                        received_qos2: number;
                        refused: number;
                        resident_bytes: number;
                        retained_bytes: number;
                        retained_msg_count: number;
                        /** @description how long the time is that it is of */
                        seconds: number;
                        sent: number;
                        sent_bytes: number;
                        sent_payload_bytes: number;
                        sent_qos0: number;
                        sent_qos1: number;
                        sent_qos2: number;
                        sessions: number;
                        shared_subscriptions?: number;
                        storage_bytes: number;
                        subscriptions: number;
                        synced_records: number;
                        /** @description when it ended, in milliseconds since 1970 */
                        time_stamp: number;
                        topics?: number;
                        unsynced_bytes: number;
                        written_bytes: number;
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
    getCurrentFigures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Of the last seconds, mostly less than 12 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        acknowledged_rate: number;
                        /** @description clients with a session, connected or not */
                        connections: number;
                        connects_rate: number;
                        cpu_percent: number;
                        denied_rate: number;
                        disconnected_durable_sessions: number;
                        disconnects_rate: number;
                        dropped_msg_rate: number;
                        /** @description messages a second */
                        dropped_rate_by_reason: {
                            [key: string]: number;
                        };
                        event_loop_lag_max_ms: number;
                        event_loop_lag_p99_ms: number;
                        /** @description records that one fsync has made safe, on average */
                        fsync_group: number;
                        fsync_max_ms: number;
                        fsync_p99_ms: number;
                        fsyncs_rate: number;
                        heap_bytes: number;
                        internal_errors_rate: number;
                        /** @description clients that are connected */
                        live_connections: number;
                        log_lines_dropped_rate: number;
                        /** @description seconds */
                        node_uptime: number;
                        overload_level: number;
                        persisted_rate: number;
                        provider_failures_rate: number;
                        publishers_held_back_rate: number;
                        queued_messages: number;
                        received_bytes_rate: number;
                        received_msg_rate: number;
                        received_payload_bytes_rate: number;
                        received_qos0_rate: number;
                        received_qos1_rate: number;
                        received_qos2_rate: number;
                        refused_rate: number;
                        resident_bytes: number;
                        retained_bytes: number;
                        retained_msg_count: number;
                        /** @description how long the time is that it is of */
                        seconds: number;
                        sent_bytes_rate: number;
                        sent_msg_rate: number;
                        sent_payload_bytes_rate: number;
                        sent_qos0_rate: number;
                        sent_qos1_rate: number;
                        sent_qos2_rate: number;
                        sessions: number;
                        shared_subscriptions?: number;
                        storage_bytes: number;
                        subscriptions: number;
                        synced_records_rate: number;
                        /** @description now, in milliseconds since 1970 */
                        time_stamp: number;
                        topics?: number;
                        unsynced_bytes: number;
                        written_bytes_rate: number;
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
    getCurrentFiguresOfNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as GET /status has it */
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Of the last seconds, mostly less than 12 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        acknowledged_rate: number;
                        /** @description clients with a session, connected or not */
                        connections: number;
                        connects_rate: number;
                        cpu_percent: number;
                        denied_rate: number;
                        disconnected_durable_sessions: number;
                        disconnects_rate: number;
                        dropped_msg_rate: number;
                        /** @description messages a second */
                        dropped_rate_by_reason: {
                            [key: string]: number;
                        };
                        event_loop_lag_max_ms: number;
                        event_loop_lag_p99_ms: number;
                        /** @description records that one fsync has made safe, on average */
                        fsync_group: number;
                        fsync_max_ms: number;
                        fsync_p99_ms: number;
                        fsyncs_rate: number;
                        heap_bytes: number;
                        internal_errors_rate: number;
                        /** @description clients that are connected */
                        live_connections: number;
                        log_lines_dropped_rate: number;
                        /** @description seconds */
                        node_uptime: number;
                        overload_level: number;
                        persisted_rate: number;
                        provider_failures_rate: number;
                        publishers_held_back_rate: number;
                        queued_messages: number;
                        received_bytes_rate: number;
                        received_msg_rate: number;
                        received_payload_bytes_rate: number;
                        received_qos0_rate: number;
                        received_qos1_rate: number;
                        received_qos2_rate: number;
                        refused_rate: number;
                        resident_bytes: number;
                        retained_bytes: number;
                        retained_msg_count: number;
                        /** @description how long the time is that it is of */
                        seconds: number;
                        sent_bytes_rate: number;
                        sent_msg_rate: number;
                        sent_payload_bytes_rate: number;
                        sent_qos0_rate: number;
                        sent_qos1_rate: number;
                        sent_qos2_rate: number;
                        sessions: number;
                        shared_subscriptions?: number;
                        storage_bytes: number;
                        subscriptions: number;
                        synced_records_rate: number;
                        /** @description now, in milliseconds since 1970 */
                        time_stamp: number;
                        topics?: number;
                        unsynced_bytes: number;
                        written_bytes_rate: number;
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
            /** @description There is no such node */
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
    listSamplesOfNode: {
        parameters: {
            query?: {
                /** @description how many seconds: up to an hour in steps of 10 seconds, up to a day in steps of a minute */
                latest?: number;
            };
            header?: never;
            path: {
                /** @description as GET /status has it */
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oldest first; none in the first 10 seconds */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        acknowledged: number;
                        /** @description clients with a session, connected or not */
                        connections: number;
                        connects: number;
                        cpu_percent: number;
                        denied: number;
                        disconnected_durable_sessions: number;
                        disconnects: number;
                        dropped: number;
                        dropped_by_reason: {
                            [key: string]: number;
                        };
                        event_loop_lag_max_ms: number;
                        event_loop_lag_p99_ms: number;
                        /** @description records that one fsync has made safe, on average */
                        fsync_group: number;
                        fsync_max_ms: number;
                        fsync_p99_ms: number;
                        fsyncs: number;
                        heap_bytes: number;
                        internal_errors: number;
                        /** @description clients that are connected */
                        live_connections: number;
                        log_lines_dropped: number;
                        overload_level: number;
                        persisted: number;
                        provider_failures: number;
                        publishers_held_back: number;
                        queued_messages: number;
                        received: number;
                        received_bytes: number;
                        received_payload_bytes: number;
                        received_qos0: number;
                        received_qos1: number;
                        received_qos2: number;
                        refused: number;
                        resident_bytes: number;
                        retained_bytes: number;
                        retained_msg_count: number;
                        /** @description how long the time is that it is of */
                        seconds: number;
                        sent: number;
                        sent_bytes: number;
                        sent_payload_bytes: number;
                        sent_qos0: number;
                        sent_qos1: number;
                        sent_qos2: number;
                        sessions: number;
                        shared_subscriptions?: number;
                        storage_bytes: number;
                        subscriptions: number;
                        synced_records: number;
                        /** @description when it ended, in milliseconds since 1970 */
                        time_stamp: number;
                        topics?: number;
                        unsynced_bytes: number;
                        written_bytes: number;
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
            /** @description There is no such node */
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
                /** @description in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly */
                cursor?: string;
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
                /** @description how much of each payload is answered; 0 for none. More than 1024 with a cursor only, whose pages end when they have 4 MB */
                payload_bytes?: number;
                /** @description whether properties are answered */
                properties?: "true" | "false";
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
                            /** @description where they were asked for */
                            properties?: {
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
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            /** @description for the next page; none when there is none; left out without a cursor */
                            cursor?: string;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
                            /** @description left out with a cursor */
                            page?: number;
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
                /** @description whether it is answered how many there were */
                report?: "true" | "false";
                /** @description those whose topics match this filter; all without it */
                topic?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description So many are gone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        count: number;
                    };
                };
            };
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
    listTopicMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All filters that are counted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        create_time: string;
                        /** @description whether it is in metrics.topics */
                        is_configured: boolean;
                        metrics: {
                            /** @description bytes of payloads */
                            "bytes.in.count": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.rate"?: number;
                            "message.in.count": number;
                            "message.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.rate"?: number;
                            "message.qos0.in.count": number;
                            "message.qos0.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.rate"?: number;
                            "message.qos1.in.count": number;
                            "message.qos1.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.rate"?: number;
                            "message.qos2.in.count": number;
                            "message.qos2.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.rate"?: number;
                        };
                        reset_time?: string;
                        /** @description the topic filter */
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
    resetTopicMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @constant */
                    action: "reset";
                    /** @description one filter; all of them when it is left out */
                    topic?: string;
                };
            };
        };
        responses: {
            /** @description Done */
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
            /** @description The filter is not counted */
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
    addTopicMetric: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description a topic filter that is not shared */
                    topic: string;
                };
            };
        };
        responses: {
            /** @description It is counted from now on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        create_time: string;
                        /** @description whether it is in metrics.topics */
                        is_configured: boolean;
                        metrics: {
                            /** @description bytes of payloads */
                            "bytes.in.count": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.rate"?: number;
                            "message.in.count": number;
                            "message.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.rate"?: number;
                            "message.qos0.in.count": number;
                            "message.qos0.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.rate"?: number;
                            "message.qos1.in.count": number;
                            "message.qos1.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.rate"?: number;
                            "message.qos2.in.count": number;
                            "message.qos2.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.rate"?: number;
                        };
                        reset_time?: string;
                        /** @description the topic filter */
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
            /** @description As many are counted as may be */
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
        };
    };
    getTopicMetric: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the topic filter, encoded for URLs */
                topic: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The filter */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        create_time: string;
                        /** @description whether it is in metrics.topics */
                        is_configured: boolean;
                        metrics: {
                            /** @description bytes of payloads */
                            "bytes.in.count": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.dropped.rate"?: number;
                            "message.in.count": number;
                            "message.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.out.rate"?: number;
                            "message.qos0.in.count": number;
                            "message.qos0.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos0.out.rate"?: number;
                            "message.qos1.in.count": number;
                            "message.qos1.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos1.out.rate"?: number;
                            "message.qos2.in.count": number;
                            "message.qos2.in.rate": number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.count"?: number;
                            /** @description left out with server.workers, where nobody counts who gets it elsewhere */
                            "message.qos2.out.rate"?: number;
                        };
                        reset_time?: string;
                        /** @description the topic filter */
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
            /** @description The filter is not counted */
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
    deleteTopicMetric: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the topic filter, encoded for URLs */
                topic: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
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
            /** @description The filter is not counted */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description It is in metrics.topics */
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
        };
    };
    listNodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description sessions, whether their client is connected or not */
                        connections: number;
                        edition: string;
                        live_connections: number;
                        load1: number;
                        load5: number;
                        load15: number;
                        /** @description bytes of the machine */
                        memory_total: number;
                        memory_used: number;
                        node: string;
                        /** @constant */
                        node_status: "running";
                        /** @constant */
                        role: "core";
                        /** @description milliseconds */
                        uptime: number;
                        version: string;
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
    getNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description sessions, whether their client is connected or not */
                        connections: number;
                        edition: string;
                        live_connections: number;
                        load1: number;
                        load5: number;
                        load15: number;
                        /** @description bytes of the machine */
                        memory_total: number;
                        memory_used: number;
                        node: string;
                        /** @constant */
                        node_status: "running";
                        /** @constant */
                        role: "core";
                        /** @description milliseconds */
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
            /** @description There is no such node */
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
                        /** @description a topic name, which takes the scope read, too; by default one below $response that is made for this request */
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
    listRoles: {
        parameters: {
            query?: {
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
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
                            [key: string]: unknown;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    createRole: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    acls?: {
                        /** @enum {string} */
                        acltype: "publishClientSend" | "publishClientReceive" | "subscribeLiteral" | "subscribePattern" | "unsubscribeLiteral" | "unsubscribePattern";
                        /** @default true */
                        allow?: boolean;
                        priority?: number;
                        topic: string;
                    }[];
                    rolename: string;
                    textdescription?: string;
                    textname?: string;
                };
            };
        };
        responses: {
            /** @description It is made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is one already */
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
        };
    };
    getRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    modifyRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    acls?: {
                        /** @enum {string} */
                        acltype: "publishClientSend" | "publishClientReceive" | "subscribeLiteral" | "subscribePattern" | "unsubscribeLiteral" | "unsubscribePattern";
                        /** @default true */
                        allow?: boolean;
                        priority?: number;
                        topic: string;
                    }[];
                    textdescription?: string;
                    textname?: string;
                };
            };
        };
        responses: {
            /** @description It is changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    deleteRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    listSharedGroups: {
        parameters: {
            query?: {
                /** @description in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly */
                cursor?: string;
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
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
                            /** @description the first 100 */
                            members: {
                                clientid: string;
                                connected: boolean;
                                inflight_cnt: number;
                                mqueue_len: number;
                                qos: number;
                                /** @description whether it takes a message of QoS 1 or 2 at once */
                                ready: boolean;
                            }[];
                            members_cnt: number;
                            /** @description the client that would get the next message */
                            next: string | null;
                            share_group: string;
                            /** @description the filter, without $share/NAME/ */
                            topic: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            /** @description for the next page; none when there is none; left out without a cursor */
                            cursor?: string;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
                            /** @description left out with a cursor */
                            page?: number;
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
    listSlowSubscriptions: {
        parameters: {
            query?: {
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Clients */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            clientid: string;
                            connected: boolean;
                            /** @description messages sent and not acknowledged */
                            inflight_cnt: number;
                            /** @description now, in milliseconds since 1970 */
                            last_update_time: number;
                            mqueue_bytes: number;
                            /** @description messages that wait */
                            mqueue_len: number;
                            node: string;
                            /** @description bytes that its connection has not taken yet */
                            output_bytes: number;
                            /** @description for how long something has waited for it, in milliseconds, as far as was seen */
                            timespan: number;
                            /** @description the topic filter of the client, where it has only one; empty where it has several */
                            topic: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
    getStats: {
        parameters: {
            query?: {
                /** @description whether all nodes are answered as one object, instead of a list with an object for each */
                aggregate?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: number | string;
                    }[] | {
                        [key: string]: number | string;
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
            query?: {
                /** @description by default json with a key that has the scope read, else text */
                format?: "json" | "text";
            };
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
    getStorage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        compaction: {
                            moved_bytes: number;
                            moved_records: number;
                            removed_bytes: number;
                            removed_segments: number;
                        };
                        directory: string;
                        failure: string | null;
                        is_full: boolean;
                        /** @description of them, those that are still needed */
                        live_bytes: number;
                        /** @description each by itself, where several processes have one; then positions are there only */
                        logs?: {
                            compaction: {
                                moved_bytes: number;
                                moved_records: number;
                                removed_bytes: number;
                                removed_segments: number;
                            };
                            directory: string;
                            failure: string | null;
                            is_full: boolean;
                            /** @description of them, those that are still needed */
                            live_bytes: number;
                            /** @description bytes from the beginning of the log */
                            positions: {
                                acknowledged: number;
                                checkpoint: number;
                                durable: number;
                                head: number;
                                tail: number;
                            };
                            process: string;
                            recovery: {
                                duration_ms: number;
                                quarantined: number;
                                records: number;
                            };
                            segments: {
                                first: number;
                                live_bytes: number;
                                size: number;
                            }[];
                            /** @description bytes on the disk */
                            size: number;
                            sync_mode: string;
                            written: {
                                bytes: number;
                                records: number;
                                refused_records: number;
                                sync_ms: number;
                                syncs: number;
                            };
                        }[];
                        /** @description bytes from the beginning of the log */
                        positions?: {
                            acknowledged: number;
                            checkpoint: number;
                            durable: number;
                            head: number;
                            tail: number;
                        };
                        recovery: {
                            duration_ms: number;
                            quarantined: number;
                            records: number;
                        };
                        segments: {
                            first: number;
                            live_bytes: number;
                            size: number;
                        }[];
                        /** @description bytes on the disk */
                        size: number;
                        sync_mode: string;
                        written: {
                            bytes: number;
                            records: number;
                            refused_records: number;
                            sync_ms: number;
                            syncs: number;
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
            /** @description The broker keeps nothing on a disk */
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
    listSubscriptions: {
        parameters: {
            query?: {
                /** @description only those of this client */
                clientid?: string;
                /** @description in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly */
                cursor?: string;
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
                            /** @description for the next page; none when there is none; left out without a cursor */
                            cursor?: string;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
                            /** @description left out with a cursor */
                            page?: number;
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
    getTopicTree: {
        parameters: {
            query?: {
                /** @description how many levels down */
                depth?: number;
                /** @description levels in all; those that are less deep come first */
                limit?: number;
                /** @description how much of each payload is answered; 0 for none */
                payload_bytes?: number;
                /** @description whole levels, such as plant/line-1; without it, the first levels */
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Levels, each after the one that it is below; hasnext where there are others right below the prefix */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: {
                            /** @description whether all of those were counted */
                            counted: boolean;
                            level: string;
                            /** @description whether the topic that ends here is one of them */
                            recent: boolean;
                            /** @description topics of late, here and below, as far as they are known */
                            recent_topics: number;
                            /** @description the message of the topic that ends here */
                            retained: {
                                from_clientid: string | null;
                                /** @description in base64, as much as was asked for */
                                payload?: string;
                                payload_size: number;
                                qos: number;
                            } | null;
                            /** @description topics with retained messages, here and below */
                            retained_topics: number;
                            /** @description with the levels before it */
                            topic: string;
                            /** @description whether all levels below it are answered, too, or there are none */
                            whole: boolean;
                        }[];
                        meta: {
                            hasnext: boolean;
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
    listTopics: {
        parameters: {
            query?: {
                /** @description in the place of page: none for the first page, then the cursor of the page before. What is there all the time is on one page exactly */
                cursor?: string;
                /** @description things on a page */
                limit?: number;
                /** @description only those of this node */
                node?: string;
                /** @description which page, from 1 on */
                page?: number;
                /** @description exactly this filter */
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
                            node: string;
                            /** @description a topic filter */
                            topic: string;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            /** @description for the next page; none when there is none; left out without a cursor */
                            cursor?: string;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
                            /** @description left out with a cursor */
                            page?: number;
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
    getTopic: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the whole filter, encoded: a%2F%23 */
                topic: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Somebody does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        node: string;
                        /** @description a topic filter */
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
            /** @description Nobody does */
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
    listTraces: {
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
                        clientid?: string;
                        end_at: string;
                        /** @enum {string} */
                        formatter: "text" | "json";
                        ip_address?: string;
                        /** @description bytes, by node */
                        log_size: {
                            [key: string]: number;
                        };
                        name: string;
                        /** @constant */
                        payload_encode: "hidden";
                        start_at: string;
                        /** @enum {string} */
                        status: "waiting" | "running" | "stopped";
                        topic?: string;
                        /** @enum {string} */
                        type: "clientid" | "topic" | "ip_address";
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
    createTrace: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    clientid?: string;
                    /** @description ten minutes later by default; admin.max-trace-duration later at most */
                    end_at?: string | number;
                    /**
                     * @description how its lines are written
                     * @default text
                     * @enum {string}
                     */
                    formatter?: "text" | "json";
                    ip_address?: string;
                    name: string;
                    /**
                     * @description accepted for scripts made for EMQX: payloads are never in a trace, only their sizes
                     * @enum {string}
                     */
                    payload_encode?: "text" | "hex" | "hidden";
                    /** @description now by default, at most a day ahead */
                    start_at?: string | number;
                    /** @description a topic filter */
                    topic?: string;
                    /** @enum {string} */
                    type: "clientid" | "topic" | "ip_address";
                };
            };
        };
        responses: {
            /** @description It is made */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clientid?: string;
                        end_at: string;
                        /** @enum {string} */
                        formatter: "text" | "json";
                        ip_address?: string;
                        /** @description bytes, by node */
                        log_size: {
                            [key: string]: number;
                        };
                        name: string;
                        /** @constant */
                        payload_encode: "hidden";
                        start_at: string;
                        /** @enum {string} */
                        status: "waiting" | "running" | "stopped";
                        topic?: string;
                        /** @enum {string} */
                        type: "clientid" | "topic" | "ip_address";
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
            /** @description There is one of that name already */
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
        };
    };
    deleteTraces: {
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
    deleteTrace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
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
            /** @description There is no trace of that name */
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
    downloadTrace: {
        parameters: {
            query?: {
                node?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its lines */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
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
            /** @description There is no trace of that name */
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
    readTrace: {
        parameters: {
            query?: {
                /** @description at most; the part ends with a line, unless that is longer */
                bytes?: number;
                node?: string;
                /** @description byte at which to begin */
                position?: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The part, which is empty where there is no more yet */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: string;
                        meta: {
                            bytes: number;
                            position: number;
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
            /** @description There is no trace of that name */
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
    getTraceSize: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By node */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        mtime: number;
                        node: string;
                        size: number;
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
            /** @description There is no trace of that name */
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
    stopTrace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is stopped */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        enable: false;
                        name: string;
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
            /** @description There is no trace of that name */
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
    listUsers: {
        parameters: {
            query?: {
                /** @description things on a page */
                limit?: number;
                /** @description which page, from 1 on */
                page?: number;
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
                            [key: string]: unknown;
                        }[];
                        meta: {
                            /** @description of all pages; left out where counting would take a scan */
                            count?: number;
                            hasnext: boolean;
                            limit: number;
                            /** @description processes that are not there just now: nothing of them is in it */
                            missing?: string[];
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description the only client identifier that it may have */
                    clientid?: string;
                    disabled?: boolean;
                    groups?: {
                        groupname: string;
                        priority?: number;
                    }[];
                    password?: string;
                    roles?: {
                        priority?: number;
                        rolename: string;
                    }[];
                    textdescription?: string;
                    textname?: string;
                    username: string;
                };
            };
        };
        responses: {
            /** @description It is made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is one already */
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
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    modifyUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description the only client identifier that it may have */
                    clientid?: string;
                    disabled?: boolean;
                    groups?: {
                        groupname: string;
                        priority?: number;
                    }[];
                    password?: string;
                    roles?: {
                        priority?: number;
                        rolename: string;
                    }[];
                    textdescription?: string;
                    textname?: string;
                };
            };
        };
        responses: {
            /** @description It is changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
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
            /** @description There is none of that name, or no dynamic-security in auth.chain */
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
    explainDelivery: {
        parameters: {
            query: {
                /** @description 10:42, 10:42:07, a time as RFC 3339 has it, or milliseconds since 1970 */
                at?: string;
                clientid: string;
                /** @description from how long ago until now, such as 5m */
                since?: string;
                /** @description topic name */
                topic: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The likeliest cause, with evidence */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description what else may have been it */
                        also: {
                            /** @description such as queue-full; docs/operations.md has them all */
                            code: string;
                            evidence: {
                                /** @description where the client was, or who has taken over: address and port */
                                address?: string;
                                cause: string;
                                clientid: string;
                                count: number;
                                /** @description the rule, or why something was refused */
                                detail?: string;
                                filter_count?: number;
                                /** @description of a session that ended: what it had, of many the first */
                                filters?: string[];
                                /** @description the last time */
                                last_ts: number;
                                qos?: number;
                                reason_code?: number;
                                /** @description what happened, for people */
                                text: string;
                                /** @description topic name, or topic filter of a subscription */
                                topic?: string;
                                /** @description when, the first time, in milliseconds since 1970 */
                                ts: number;
                                /** @enum {string} */
                                type: "connect" | "disconnect" | "session-end" | "subscribe" | "unsubscribe" | "deny" | "refuse" | "drop" | "will";
                                username?: string;
                                /** @description messages that waited then */
                                waiting?: number;
                            }[];
                            /** @description a sentence or two */
                            text: string;
                        }[];
                        cause: {
                            /** @description such as queue-full; docs/operations.md has them all */
                            code: string;
                            evidence: {
                                /** @description where the client was, or who has taken over: address and port */
                                address?: string;
                                cause: string;
                                clientid: string;
                                count: number;
                                /** @description the rule, or why something was refused */
                                detail?: string;
                                filter_count?: number;
                                /** @description of a session that ended: what it had, of many the first */
                                filters?: string[];
                                /** @description the last time */
                                last_ts: number;
                                qos?: number;
                                reason_code?: number;
                                /** @description what happened, for people */
                                text: string;
                                /** @description topic name, or topic filter of a subscription */
                                topic?: string;
                                /** @description when, the first time, in milliseconds since 1970 */
                                ts: number;
                                /** @enum {string} */
                                type: "connect" | "disconnect" | "session-end" | "subscribe" | "unsubscribe" | "deny" | "refuse" | "drop" | "will";
                                username?: string;
                                /** @description messages that waited then */
                                waiting?: number;
                            }[];
                            /** @description a sentence or two */
                            text: string;
                        };
                        clientid: string;
                        /** @description the time that was looked at, in milliseconds since 1970 */
                        from: number;
                        to: number;
                        topic: string;
                        /** @description what can not be known */
                        unknown: string[];
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
