import framework

framework.deploy()
