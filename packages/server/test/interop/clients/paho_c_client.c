/* The client of README.md with paho.mqtt.c, its asynchronous interface. */
#include <MQTTAsync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MQTTAsync client;
static int version;

static const char *text(int truth) { return truth ? "true" : "false"; }

static void failed(const char *of, int code) {
  printf("{\"event\":\"failed\",\"of\":\"%s\",\"code\":%d}\n", of, code);
}

/* With MQTT 5 the library calls other functions, with other structures; what both say is told from here. */
static void said_connected(int session_present) {
  printf("{\"event\":\"connected\",\"sessionPresent\":%s}\n", text(session_present));
}
static void said_subscribed(int granted) {
  printf("{\"event\":\"subscribed\",\"granted\":[%d]}\n", granted);
}
static void said_published(void) { printf("{\"event\":\"published\"}\n"); }
static void said_unsubscribed(void) { printf("{\"event\":\"unsubscribed\"}\n"); }

static void on_connect(void *context, MQTTAsync_successData *data) {
  (void)context;
  said_connected(data->alt.connect.sessionPresent);
}
static void on_connect5(void *context, MQTTAsync_successData5 *data) {
  (void)context;
  said_connected(data->alt.connect.sessionPresent);
}
static void on_subscribe(void *context, MQTTAsync_successData *data) {
  (void)context;
  said_subscribed(data->alt.qos);
}
static void on_subscribe5(void *context, MQTTAsync_successData5 *data) {
  (void)context;
  said_subscribed(data->reasonCode);
}
static void on_publish(void *context, MQTTAsync_successData *data) {
  (void)context, (void)data;
  said_published();
}
static void on_publish5(void *context, MQTTAsync_successData5 *data) {
  (void)context, (void)data;
  said_published();
}
static void on_unsubscribe(void *context, MQTTAsync_successData *data) {
  (void)context, (void)data;
  said_unsubscribed();
}
static void on_unsubscribe5(void *context, MQTTAsync_successData5 *data) {
  (void)context, (void)data;
  said_unsubscribed();
}
static void on_disconnect(void *context, MQTTAsync_successData *data) {
  (void)context, (void)data;
  exit(0);
}
static void on_disconnect5(void *context, MQTTAsync_successData5 *data) {
  (void)context, (void)data;
  exit(0);
}
static void on_failure(void *context, MQTTAsync_failureData *data) { failed(context, data->code); }
static void on_failure5(void *context, MQTTAsync_failureData5 *data) {
  /* What a PUBREL that is sent again may be answered; "not an error during recovery", 4.3.3. */
  if (data->reasonCode == MQTTREASONCODE_PACKET_IDENTIFIER_NOT_FOUND) said_published();
  else failed(context, data->code);
}

/* After a reconnection the library calls this, and says nothing of the session. */
static void on_connected(void *context, char *cause) {
  (void)context;
  if (cause != NULL && strstr(cause, "automatic reconnect") != NULL)
    printf("{\"event\":\"connected\"}\n");
}
static void on_lost(void *context, char *cause) {
  (void)context, (void)cause;
  printf("{\"event\":\"lost\"}\n");
}

/* A DISCONNECT of the server, which only MQTT 5 has. */
static void on_disconnected(void *context, MQTTProperties *properties,
                            enum MQTTReasonCodes reason) {
  (void)context, (void)properties, (void)reason;
  printf("{\"event\":\"lost\"}\n");
}

static int on_message(void *context, char *topic, int size, MQTTAsync_message *message) {
  (void)context, (void)size;
  printf("{\"event\":\"message\",\"topic\":\"%s\",\"payload\":\"%.*s\",\"qos\":%d,\"retain\":%s}\n",
         topic, message->payloadlen, (char *)message->payload, message->qos, text(message->retained));
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

static MQTTAsync_responseOptions response(const char *of, MQTTAsync_onSuccess *done,
                                          MQTTAsync_onSuccess5 *done5) {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.context = (void *)of;
  if (version == MQTTVERSION_5) {
    options.onSuccess5 = done5;
    options.onFailure5 = on_failure5;
  } else {
    options.onSuccess = done;
    options.onFailure = on_failure;
  }
  return options;
}

static void connect_client(int keeps) {
  MQTTAsync_connectOptions ordinary = MQTTAsync_connectOptions_initializer;
  MQTTAsync_connectOptions five = MQTTAsync_connectOptions_initializer5;
  MQTTAsync_connectOptions options = version == MQTTVERSION_5 ? five : ordinary;
  MQTTProperties properties = MQTTProperties_initializer;
  options.MQTTVersion = version;
  options.automaticReconnect = 1;
  options.context = "connect";
  if (version == MQTTVERSION_5) {
    options.cleanstart = !keeps;
    options.onSuccess5 = on_connect5;
    options.onFailure5 = on_failure5;
    if (keeps) {
      MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};
      expiry.value.integer4 = 3600;
      MQTTProperties_add(&properties, &expiry);
      options.connectProperties = &properties;
    }
  } else {
    options.cleansession = !keeps;
    options.onSuccess = on_connect;
    options.onFailure = on_failure;
  }
  int code = MQTTAsync_connect(client, &options);
  if (code != MQTTASYNC_SUCCESS) failed("connect", code);
}

static void obey(const char *command, char *words) {
  char topic[256] = "", payload[256] = "";
  int qos = 0, retain = 0, code = 0;
  if (strcmp(command, "subscribe") == 0) {
    sscanf(words, "%255s %d", topic, &qos);
    MQTTAsync_responseOptions options = response("subscribe", on_subscribe, on_subscribe5);
    code = MQTTAsync_subscribe(client, topic, qos, &options);
  } else if (strcmp(command, "unsubscribe") == 0) {
    sscanf(words, "%255s", topic);
    MQTTAsync_responseOptions options = response("unsubscribe", on_unsubscribe, on_unsubscribe5);
    code = MQTTAsync_unsubscribe(client, topic, &options);
  } else if (strcmp(command, "publish") == 0) {
    sscanf(words, "%255s %d %d %255s", topic, &qos, &retain, payload);
    MQTTAsync_responseOptions options = response("publish", on_publish, on_publish5);
    code = MQTTAsync_send(client, topic, (int)strlen(payload), payload, qos, retain, &options);
  } else if (strcmp(command, "disconnect") == 0) {
    MQTTAsync_disconnectOptions ordinary = MQTTAsync_disconnectOptions_initializer;
    MQTTAsync_disconnectOptions five = MQTTAsync_disconnectOptions_initializer5;
    MQTTAsync_disconnectOptions options = version == MQTTVERSION_5 ? five : ordinary;
    options.timeout = 1000;
    if (version == MQTTVERSION_5) options.onSuccess5 = on_disconnect5;
    else options.onSuccess = on_disconnect;
    code = MQTTAsync_disconnect(client, &options);
  }
  if (code != MQTTASYNC_SUCCESS) failed(command, code);
}

int main(int count, char **words) {
  if (count != 7) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  char uri[128];
  int is_ws = strcmp(words[3], "ws") == 0;
  snprintf(uri, sizeof uri, "%s://%s:%s%s", is_ws ? "ws" : "tcp", words[1], words[2],
           is_ws ? "/mqtt" : "");
  version = atoi(words[4]);
  MQTTAsync_createOptions ordinary = MQTTAsync_createOptions_initializer;
  MQTTAsync_createOptions five = MQTTAsync_createOptions_initializer5;
  MQTTAsync_createOptions options = version == MQTTVERSION_5 ? five : ordinary;
  options.MQTTVersion = version;
  int code = MQTTAsync_createWithOptions(&client, uri, words[5], MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                         &options);
  if (code != MQTTASYNC_SUCCESS) failed("create", code);
  MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, NULL);
  MQTTAsync_setConnected(client, NULL, on_connected);
  MQTTAsync_setDisconnected(client, NULL, on_disconnected);
  connect_client(strcmp(words[6], "keep") == 0);

  char line[1024];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *rest = line;
    char command[32] = "";
    sscanf(line, "%31s", command);
    rest += strlen(command);
    obey(command, rest);
  }
  return 0;
}
