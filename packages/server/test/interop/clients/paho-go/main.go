// The client of README.md with paho.mqtt.golang, which has MQTT 3.1 and 3.1.1.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

var output sync.Mutex

func say(event string, fields map[string]any) {
	if fields == nil {
		fields = map[string]any{}
	}
	fields["event"] = event
	line, _ := json.Marshal(fields)
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(line))
}

// wait says that a request has been answered, or why it has failed.
func wait(token mqtt.Token, event string, fields func() map[string]any) {
	token.Wait()
	if err := token.Error(); err != nil {
		say("failed", map[string]any{"of": event, "why": err.Error()})
		return
	}
	say(event, fields())
}

func nothing() map[string]any { return nil }

func main() {
	host, port, transport, version, clientID, session := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	url := "tcp://" + host + ":" + port
	if transport == "ws" {
		url = "ws://" + host + ":" + port + "/mqtt"
	}
	number, _ := strconv.ParseUint(version, 10, 8)
	options := mqtt.NewClientOptions().AddBroker(url).SetClientID(clientID).SetProtocolVersion(uint(number))
	options.SetCleanSession(session == "clean")
	options.SetDefaultPublishHandler(func(_ mqtt.Client, message mqtt.Message) {
		say("message", map[string]any{
			"topic": message.Topic(), "payload": string(message.Payload()), "qos": message.Qos(), "retain": message.Retained(),
		})
	})
	isFirst := true
	options.SetOnConnectHandler(func(mqtt.Client) {
		// The first is told with its session below.
		if !isFirst {
			say("connected", nil)
		}
	})
	options.SetConnectionLostHandler(func(mqtt.Client, error) {
		isFirst = false
		say("lost", nil)
	})
	client := mqtt.NewClient(options)
	connection := client.Connect()
	wait(connection, "connected", func() map[string]any {
		return map[string]any{"sessionPresent": connection.(*mqtt.ConnectToken).SessionPresent()}
	})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "subscribe":
			qos, _ := strconv.Atoi(words[2])
			token := client.Subscribe(words[1], byte(qos), nil)
			go wait(token, "subscribed", func() map[string]any {
				return map[string]any{"granted": []int{int(token.(*mqtt.SubscribeToken).Result()[words[1]])}}
			})
		case "unsubscribe":
			go wait(client.Unsubscribe(words[1]), "unsubscribed", nothing)
		case "publish":
			qos, _ := strconv.Atoi(words[2])
			go wait(client.Publish(words[1], byte(qos), words[3] == "1", words[4]), "published", nothing)
		case "disconnect":
			client.Disconnect(250)
			return
		}
	}
}
